import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import Testing

@testable import LabServerKit

/// Several built programs on one PostgreSQL and one Redis, with one token secret.
final class ManyServersLab: Sendable {
    let database: PostgresServerProcess
    let redis: [RedisServerProcess]
    /// Holds the password of the database, and of administrators.
    let passwordFile: String
    private let strategy: StrategyEntry

    static let secret = "a secret of more than thirty-two bytes"

    private init(
        _ database: PostgresServerProcess, _ redis: [RedisServerProcess], _ passwordFile: String,
        _ strategy: StrategyEntry
    ) {
        self.database = database
        self.redis = redis
        self.passwordFile = passwordFile
        self.strategy = strategy
    }

    /// What a server started with.
    struct Member: Sendable {
        let process: ChildProcess
        let client: ApiClient
    }

    var ledger: [String] {
        let url = database.url().replacing(":\(database.password)@", with: "@")
        return ["--database", url, "--database-password-file", passwordFile]
    }

    static func run(
        _ strategy: StrategyEntry = .luaAtomic, _ body: (ManyServersLab) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-many")
        try await withPostgresServer { database in
            let file = directory.file("password")
            try (database.password + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            var redis: [RedisServerProcess] = []
            for _ in 0..<(strategy.needsLockNodes ? 4 : 1) {
                redis.append(try await RedisServerProcess.start(RedisServerOptions(listener: .unixSocket)))
            }
            let lab = ManyServersLab(database, redis, file, strategy)
            let result: Result<Void, any Error>
            do {
                try await body(lab)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            for process in redis { await process.stop() }
            try result.get()
        }
        directory.remove()
    }

    /// Starts a server and waits until it sells.
    func start(_ arguments: [String] = [], crashAt: String? = nil) async throws -> Member {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        environment["LAB_JWT_SECRET"] = Self.secret
        environment["LAB_CRASH_AT"] = crashAt
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--strategy", strategy.name,
                "--redis", redis.map(\.url).joined(separator: ","),
            ] + ledger + arguments, environment: environment)
        let line = try #require(
            await child.line(within: .seconds(60)) { $0.contains("listening on http://") }, "\(child.lines())"
        )
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        return Member(process: child, client: ApiClient(port: try #require(ports.first)))
    }

    /// Runs a command of the program to its end.
    func command(_ arguments: [String]) async throws -> (status: LabProcesses.ExitStatus?, text: String) {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments + ledger, environment: environment)
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines().joined(separator: "\n"))
    }

    /// An administrator, signed in at `server`.
    func administrator(at server: Member) async throws -> ApiClient {
        let made = try await command([
            "admin", "create", "--username", "boss", "--bcrypt-cost", "4", "--password-file", passwordFile,
        ])
        #expect(made.status == .exited(0), "\(made)")
        let answer = try await server.client.send(
            .post, "/api/auth/login", #"{"username":"boss","password":"\#(database.password)"}"#)
        var client = server.client
        client.token = try #require(answer.body["access_token"] as? String, "\(answer.text)")
        return client
    }
}
