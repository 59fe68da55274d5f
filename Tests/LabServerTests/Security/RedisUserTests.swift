import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// The user that DEPLOYMENT.md gives the server in Redis.
@Suite("The server's user in Redis", .serialized)
struct RedisUserTests {
    /// The rules of the documented user, with a password of the test.
    private static func rules() throws -> [String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../docs/DEPLOYMENT.md")
        let line = try #require(
            String(contentsOf: file, encoding: .utf8).split(separator: "\n").first {
                $0.hasPrefix("user lab ")
            })
        return line.split(separator: " ").dropFirst(2).map { $0 == ">PASSWORD" ? ">tests" : String($0) }
    }

    /// A server on which that user is the only one beside the one who looks, `default` is off.
    private static func admit(on redis: RedisServerProcess, without right: String? = nil) async throws {
        let port = redis.port
        let rules = try rules().filter { $0 != right }
        let watcher = RedisCommand("ACL", ["SETUSER", "watcher", "on", ">tests", "+acl"])
        _ = try await OneCommand.send(watcher, port: port)
        _ = try await OneCommand.send(RedisCommand("ACL", ["SETUSER", "lab"] + rules), port: port)
        _ = try await OneCommand.send(RedisCommand("ACL", "SETUSER", "default", "off"), port: port)
    }

    private static func url(_ redis: RedisServerProcess, as user: String) throws -> String {
        "redis://\(user):tests@127.0.0.1:\(redis.port)"
    }

    /// What Redis has refused to whom.
    private static func refusals(_ redis: RedisServerProcess) async throws -> [String] {
        let client = RedisClient(try RedisEndpoint(parsing: url(redis, as: "watcher")), limits: .patient)
        let entries = try await client.send(RedisCommand("ACL", "LOG")).array ?? []
        await client.close()
        return entries.map { ($0.array ?? []).compactMap(\.string).joined(separator: " ") }
    }

    private static func withServers(
        _ count: Int, _ body: ([RedisServerProcess]) async throws -> Void
    ) async throws {
        var servers: [RedisServerProcess] = []
        for _ in 0..<count {
            servers.append(try await RedisServerProcess.start(RedisServerOptions(listener: .tcp(port: nil))))
        }
        let result: Result<Void, any Error>
        do {
            try await body(servers)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for server in servers { await server.stop() }
        try result.get()
    }

    /// Sells, restocks and gives back as the user `lab`; what the last purchase was answered.
    ///
    /// - Parameter database: As the program takes it; nil: a SQLite file.
    private static func sell(
        _ id: StrategyEntry, on servers: [RedisServerProcess], _ database: String? = nil
    ) async throws -> Int {
        let directory = try TemporaryDirectory(prefix: "lab-acl")
        let urls = try servers.map { try url($0, as: "lab") }.joined(separator: ",")
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "--dev", "--bcrypt-cost", "4", "--redis", urls, "--port", "0", "--database",
                database ?? "sqlite:" + directory.file("l.sqlite"), "--strategy", id.name,
                "--reconcile-interval-s",
                "1",
            ])
        let line = try #require(
            await child.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(child.lines())")
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        let buyer = try await ApiClient(port: try #require(ports.first)).signedIn()
        let product = try await buyer.product(units: 12)
        var status = 0
        for _ in 0..<3 { status = try await buyer.buy(product, 2).status }
        if status == 200 {
            // More than there is: under a lock and without one.
            #expect(try await buyer.buy(product, 7).status == 400)
            #expect(try await buyer.stock(product) == 6)
        }
        await child.terminate(grace: .seconds(30))
        directory.remove()
        return status
    }

    @Test(
        "S40 · a Redis user with the documented commands, keys and channels is enough for every strategy, and default is off",
        arguments: StrategyRegistry.builtIn.entries.filter {
            $0.traits.stockLayout != .ledger && (!$0.needsPostgres || PostgresDatabases.canBeMade)
        })
    func enough(id: StrategyEntry) async throws {
        try await Self.withServers(id.needsLockNodes ? 4 : 1) { servers async throws in
            for server in servers { try await Self.admit(on: server) }
            if id.needsPostgres {
                try await withPostgresServer { database async throws in
                    #expect(try await Self.sell(id, on: servers, database.url()) == 200)
                }
            } else {
                #expect(try await Self.sell(id, on: servers) == 200)
            }
            for server in servers {
                let refused = try await Self.refusals(server)
                #expect(refused.isEmpty, "\(refused)")
            }
        }
    }

    @Test(
        "S40 · a user who lacks a right is refused at the start, and the right is named",
        arguments: [
            ("lua-atomic", "+decrby", "DECRBY"), ("setnx-spin", "+exists", "EXISTS"),
            ("setnx-notify", "+subscribe", "subscribe"), ("setnx-notify", "+publish", "PUBLISH"),
            ("setnx-notify", "&lock:*", "channel"), ("setnx-notify", "+pttl", "PTTL"),
            ("fenced", "+incr", "INCR"), ("sharded", "+hincrby", "HINCRBY"),
            ("optimistic", "+multi", "multi"), ("optimistic", "+exec", "exec"),
            ("optimistic", "+watch", "watch"),
            ("combining", "~epoch:*", "key"), ("lua-atomic", "+eval", "eval"),
        ])
    func tooLittle(strategy: String, right: String, named: String) async throws {
        try await Self.withServers(1) { servers async throws in
            try await Self.admit(on: servers[0], without: right)
            let directory = try TemporaryDirectory(prefix: "lab-acl")
            let child = try await ChildProcess.start(
                try BuiltProgram.path("lab-server"),
                [
                    "--dev", "--redis", try Self.url(servers[0], as: "lab"), "--port", "0", "--database",
                    "sqlite:" + directory.file("l.sqlite"), "--strategy", strategy,
                ])
            #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(6))
            let said = child.lines(of: .standardError).joined(separator: "\n")
            #expect(said.contains("lacks a right that \(strategy) needs") && said.contains(named), "\(said)")
            directory.remove()
        }
    }
}
