import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// The built program with a database that it must not use: one line that says what to do, and code 73.
@Suite struct DatabaseRefusalTests {
    /// - Returns: What the program says when it is started on the database at `path`.
    private func refusal(_ path: String) async throws -> String {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws -> String in
            let child = try await ChildProcess.start(
                try BuiltProgram.path("lab-server"),
                ["--dev", "--redis", redis.url, "--database", "sqlite:" + path, "--port", "0"])
            #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(73))
            let errors = child.lines(of: .standardError).filter { !$0.contains(" warning ") }
            #expect(errors.count == 1, "\(errors)")
            return errors.first ?? ""
        }
    }

    /// Lets a server write to a database and kills it, so that the log stays.
    private func abandonedDatabase(_ path: String) async throws {
        try await RunningServer.run(database: path, units: 50, endsWith: .signalled(SIGKILL)) {
            server async throws in
            for _ in 0..<5 { #expect(try await server.buy(1).map(\.status) == [200]) }
            await server.process.killNow()
        }
    }

    /// Turns over a bit of each of these bytes.
    private func damage(_ path: String, _ places: some Sequence<Int>) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        for place in places { bytes[place] ^= 1 }
        try bytes.write(to: URL(filePath: path))
    }

    @Test("A log that is damaged in the middle, and one with a damaged start")
    func log() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-log")
        let path = directory.file("l.sqlite")
        try await abandonedDatabase(path)
        try damage(path + "-wal", [32 + 2 * (24 + 4096) + 1000])
        #expect(try await refusal(path).contains("-wal is damaged after frame 2"))
        try damage(path + "-wal", [20])
        #expect(try await refusal(path).contains("-wal is damaged in its first bytes"))
        directory.remove()
    }

    @Test("A database with damaged pages, and a file that is none")
    func pages() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-pages")
        let path = directory.file("l.sqlite")
        try await RunningServer.run(database: path, units: 1) { _ in }
        let size = try Data(contentsOf: URL(filePath: path)).count
        // The kind of each page but the first.
        try damage(path, stride(from: 4096, to: size, by: 4096))
        #expect(try await refusal(path).contains("damaged"))
        try damage(path, 0..<16)
        #expect(try await refusal(path).contains("not a SQLite database"))
        directory.remove()
    }

    @Test("A directory that cannot be written")
    func readOnly() async throws {
        // Root may write where nobody may; in /proc not even root can make a file.
        #expect(try await refusal("/proc/self/l.sqlite").contains("choose a directory that can be written"))
    }

    @Test(
        "A server whose ledger is moved, deleted or replaced under it acknowledges nothing more, and is not ready",
        arguments: [
            "mv l.sqlite elsewhere", "rm l.sqlite", "cp l.sqlite copy && mv copy l.sqlite", "rm l.sqlite-wal",
        ])
    func movedLedger(command: String) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-moved")
        try await RunningServer.run(database: directory.file("l.sqlite"), units: 50) { server async throws in
            #expect(try await server.buy(1).map(\.status) == [200])
            let shell = try await ChildProcess.start(
                "/bin/sh", ["-c", "cd \(directory.path) && \(command)"])
            #expect(await shell.waitUntilExit() == .exited(0))
            #expect(try await server.buy(8).allSatisfy { $0.status == 503 })
            #expect(try await server.buyer.send(.get, "/health/ready").status == 503)
            #expect(server.process.lines(of: .standardError).contains { $0.contains("put the file back") })
        }
        directory.remove()
    }
}
