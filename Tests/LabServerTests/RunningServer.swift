import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// The built program with one product and a buyer who is signed in.
struct RunningServer {
    let process: ChildProcess
    let redis: RedisServerProcess
    let buyer: ApiClient
    let product: Int
    let units: Int

    /// Runs the program on a Redis of its own and the database at `path`; it must end as it should on
    /// SIGTERM.
    ///
    /// - Parameters:
    ///   - administrator: The name of one who is made first; nil: none. The password is that of
    ///     ``ApiClient``.
    ///   - descriptors: Files and connections that the program may have open; nil: as many as this process.
    ///   - redirections: Of the shell, such as `2>/dev/full`; the standard output has to be readable.
    static func run(
        database path: String, units: Int, administrator: String? = nil, arguments: [String] = [],
        descriptors: Int? = nil, redirections: String = "",
        endsWith end: LabProcesses.ExitStatus = .exited(0),
        _ body: (RunningServer) async throws -> Void
    ) async throws {
        if let administrator { try await make(administrator, in: path) }
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let command =
                [
                    try BuiltProgram.path("lab-server"), "--dev", "--bcrypt-cost", "4", "--redis", redis.url,
                    "--port", "0", "--database", "sqlite:" + path,
                    // A machine that stands still for a moment is no Redis that is away.
                    "--redis-timeout-ms", "60000", "--lock-node-timeout-ms", "60000",
                ] + arguments
            // The shell replaces itself by the program.
            let limit = descriptors.map { "ulimit -n \($0) && " } ?? ""
            let child = try await ChildProcess.start(
                "/bin/sh", ["-c", limit + "exec \"$@\" \(redirections)", "sh"] + command)
            let line = try #require(
                await child.line(within: .seconds(60)) { $0.contains("listening on http://") },
                "\(child.lines())")
            let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
            let buyer = try await ApiClient(port: try #require(ports.first)).signedIn()
            let product = try await buyer.product(units: units)
            let server = RunningServer(
                process: child, redis: redis, buyer: buyer, product: product, units: units)
            do {
                try await body(server)
            } catch {
                await child.terminate(grace: .seconds(30))
                throw error
            }
            #expect(await child.terminate(grace: .seconds(30)) == end)
        }
    }

    private static func make(_ administrator: String, in path: String) async throws {
        let password = path + ".password"
        try "lab-test-12".write(toFile: password, atomically: true, encoding: .utf8)
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "admin", "create", "--database", "sqlite:" + path, "--username", administrator,
                "--password-file", password, "--bcrypt-cost", "4",
            ])
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
    }

    /// The JSON lines of the log, for a server with `--log-format json`; every line has to be one.
    var log: [[String: Any]] {
        get throws {
            try process.lines(of: .standardError).map { line in
                try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
            }
        }
    }

    /// The events of a name, as soon as there are so many.
    func events(_ name: String, atLeast count: Int) async throws -> [[String: Any]] {
        func found() throws -> [[String: Any]] { try log.filter { $0["event"] as? String == name } }
        try await waitUntil { try found().count >= count }
        return try found()
    }

    struct Answer: Sendable, Hashable {
        let status: Int
        let type: String?
    }

    /// What so many buyers at once are told.
    func buy(_ buyers: Int) async throws -> [Answer] {
        let (buyer, product) = (buyer, product)
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<buyers {
                group.addTask {
                    let answer = try await buyer.buy(product)
                    return Answer(status: answer.status, type: answer.body["type"] as? String)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Every unit is either in stock or in a purchase.
    func expectExact(sold: Int) async throws {
        #expect(try await buyer.stock(product) == units - sold)
        let mine = try await buyer.send(.get, "/api/purchases/me?limit=100")
        #expect(mine.list.count == sold)
        #expect(process.isRunning)
    }
}
