import Foundation
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import Testing

@testable import LabServerKit

/// The built program as the person sees it who asks what is wrong.
@Suite struct DoctorTests {
    private static let secret = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"

    private func doctor(
        _ arguments: [String], secret: String? = secret
    ) async throws -> (status: LabProcesses.ExitStatus?, lines: [String]) {
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_JWT_SECRET"] = secret
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), ["doctor"] + arguments, environment: environment)
        let status = await child.waitUntilExit(within: .seconds(60))
        #expect(child.lines(of: .standardError).isEmpty)
        return (status, child.lines(of: .standardOutput))
    }

    @Test("Nothing to complain of ends with 0, beside a running server too, and changes nothing")
    func healthy() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-doctor")
        let path = directory.file("l.sqlite")
        let options = RedisServerOptions(listener: .unixSocket, persistence: .aofEverySecond)
        try await withRedisServer(options) { redis async throws in
            let arguments = ["--redis", redis.url, "--database", "sqlite:" + path]
            let (before, first) = try await doctor(arguments)
            #expect(before == .exited(0), "\(first)")
            #expect(first.contains { $0.hasPrefix("ok       database: ") && $0.contains("not there yet") })
            #expect(!FileManager.default.fileExists(atPath: path))
            let ledger = try await SQLiteLedger.open(path: path)
            _ = try await ledger.createUser(
                NewUser(
                    username: "ann", email: nil, passwordHash: PasswordHash(stored: "x"), role: .user,
                    createdAt: Timestamp(microseconds: 0)))
            let (during, second) = try await doctor(arguments)
            #expect(during == .exited(0), "\(second)")
            #expect(second.contains { $0.contains("a running server uses it") })
            try await ledger.check()
            await ledger.close()
        }
        directory.remove()
    }

    @Test("Problems end with 1 and stand in the JSON, each with advice")
    func problems() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-doctor")
        let path = directory.file("l.sqlite")
        try String(repeating: "no database ", count: 1000).write(
            toFile: path, atomically: true, encoding: .utf8)
        let options = RedisServerOptions(arguments: [
            "--maxmemory", "50mb", "--maxmemory-policy", "volatile-ttl",
        ])
        try await withRedisServer(options) { redis async throws in
            let (status, lines) = try await doctor(
                ["--redis", redis.url, "--database", "sqlite:" + path, "--json"], secret: nil)
            #expect(status == .exited(1))
            let json = try JSONSerialization.jsonObject(with: Data(lines.joined(separator: "\n").utf8))
            let report = try #require(json as? [String: Any])
            #expect(report["healthy"] as? Bool == false)
            let findings = try #require(report["findings"] as? [[String: String]])
            let problems = findings.filter { $0["verdict"] == "problem" }
            #expect(problems.map { $0["check"] } == ["settings", "database", "redis \(redis.url)"])
            #expect(problems[0]["text"]?.contains("LAB_JWT_SECRET") == true)
            #expect(problems[1]["text"]?.contains("not a SQLite database") == true)
            #expect(problems[2]["text"]?.contains("noeviction") == true)
        }
        directory.remove()
    }

    @Test("Flags that cannot work are the first finding")
    func wrongFlags() async throws {
        let (status, lines) = try await doctor(["--redis", "http://x"])
        #expect(status == .exited(1))
        #expect(lines.first?.hasPrefix("problem  settings: --redis") == true, "\(lines)")
    }
}
