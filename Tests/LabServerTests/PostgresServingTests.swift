import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// The built program with its ledger on PostgreSQL.
@Suite(
    "lab-server on PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresServingTests {
    private struct Place {
        let database: PostgresServerProcess
        let redis: RedisServerProcess
        /// Holds the password of the database.
        let passwordFile: String

        var url: String { database.url().replacing(":\(database.password)@", with: "@") }

        var ledger: [String] { ["--database", url, "--database-password-file", passwordFile] }

        var serving: [String] {
            ["serve", "--dev", "--bcrypt-cost", "4", "--redis", redis.url, "--port", "0"] + ledger
        }
    }

    private func withPlace(_ body: (Place) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-serving")
        // A server refuses one that does not wait for its disk.
        try await withPostgresServer { database in
            let file = directory.file("password")
            try (database.password + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis in
                try await body(Place(database: database, redis: redis, passwordFile: file))
            }
        }
        directory.remove()
    }

    private func start(_ arguments: [String]) async throws -> ChildProcess {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        return try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: environment)
    }

    private func run(_ arguments: [String]) async throws -> (status: LabProcesses.ExitStatus?, text: String) {
        let child = try await start(arguments)
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines().filter { !$0.contains(" warning ") }.joined(separator: "\n"))
    }

    private func client(of server: ChildProcess) async throws -> ApiClient {
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        return try await ApiClient(port: try #require(ports.first)).signedIn(
            "buyer-\(server.processIdentifier)")
    }

    @Test("Two servers sell the units of a product to the last one, and answer for each other")
    func twoServers() async throws {
        try await withPlace { place in
            let servers = [try await start(place.serving), try await start(place.serving)]
            let buyers = [try await client(of: servers[0]), try await client(of: servers[1])]
            let product = try await buyers[0].product(units: 40)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    group.addTask { try await buyers[number % 2].buy(product).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 40)
            #expect(statuses.count { $0 == 400 } == 20)
            #expect(try await buyers[1].stock(product) == 0)

            // Beside servers that run, and in their ledger at once.
            let made = try await run(
                [
                    "admin", "create", "--username", "root", "--bcrypt-cost", "4", "--password-file",
                    place.passwordFile,
                ]
                    + place.ledger)
            #expect(made.text.contains("administrator root was made"), "\(made)")
            let checked = try await run(["reconcile", "--redis", place.redis.url] + place.ledger)
            #expect(checked.text == "1 products, ledger and Redis agree" && checked.status == .exited(0))
            for server in servers {
                let end = await server.terminate(grace: .seconds(30))
                #expect(end == .exited(0))
            }
            let migrated = try await run(["migrate"] + place.ledger)
            #expect(migrated.text.hasPrefix("the schema of 127.0.0.1:"), "\(migrated)")
        }
    }

    @Test("A server that cannot use its database says why in one sentence and ends with 73")
    func refusals() async throws {
        try await withPlace { place in
            func sentence(_ change: (String) -> String) async throws -> String {
                let arguments = place.serving.map { $0.hasPrefix("postgres:") ? change($0) : $0 }
                let ended = try await run(arguments)
                #expect(ended.status == .exited(73), "\(ended)")
                #expect(!ended.text.contains("\n") && !ended.text.contains(place.database.password))
                return ended.text
            }
            let missing = try await sentence { $0.replacing("/postgres", with: "/missing") }
            #expect(missing.contains("no database missing"))
            let nobody = try await sentence { $0.replacing("//lab@", with: "//nobody@") }
            #expect(nobody.contains("does not accept"))
            let port = ":\(place.database.port)/"
            let closed = try await sentence { $0.replacing(port, with: ":1/") }
            #expect(closed.contains("connection refused"))
            let encrypted = try await sentence { $0 + "?sslmode=require" }
            #expect(encrypted.contains("SSL"))
        }
    }

    @Test("A database on PostgreSQL needs a Redis that is given, and its password is not shown")
    func settings() async throws {
        let url = "postgres://lab:hidden@127.0.0.1:1/lab"
        let alone = try await run(["serve", "--dev", "--database", url])
        #expect(alone.status == .exited(64) && alone.text.contains("needs --redis"), "\(alone)")
        let listed = try await run(["config", "--dev", "--redis", "redis://127.0.0.1", "--database", url])
        #expect(listed.status == .exited(0))
        #expect(listed.text.contains("database = postgres://…@127.0.0.1:1/lab"), "\(listed)")
        #expect(!alone.text.contains("hidden") && !listed.text.contains("hidden"))
        let wrong = try await run(["serve", "--dev", "--database", "postgres://lab:hidden@127.0.0.1"])
        #expect(wrong.status == .exited(64) && wrong.text.contains("name of the database is missing"))
    }
}
