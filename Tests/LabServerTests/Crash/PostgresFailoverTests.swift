import Foundation
import LabProcesses
import LabTesting
import PostgresClient
import Testing

@testable import LabServerKit

/// A primary with a synchronous replica, both named in the server's URL. The primary goes, and the replica
/// takes its place.
@Suite(
    "PostgreSQL fails over to its replica", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresFailoverTests {
    /// How the machine of the primary is lost.
    enum Loss: String, Sendable, CaseIterable {
        /// It refuses connections.
        case dies
        /// It answers nothing, and connections to it stay open.
        case hangs
    }

    private func start(_ arguments: [String]) async throws -> ChildProcess {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        return try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: environment)
    }

    /// A commit waits until a replica has written it down. The replica, when it is promoted, has none.
    private func withReplica(
        _ body: (PostgresServerProcess, PostgresServerProcess) async throws -> Void
    ) async throws {
        try await withPostgresServer(PostgresServerOptions(settings: ["synchronous_standby_names=*"])) {
            primary in
            let replica = try await PostgresServerProcess.start(following: primary)
            do {
                try await body(primary, replica)
                await replica.discard()
            } catch {
                await replica.discard()
                throw error
            }
        }
    }

    private func ask(_ server: PostgresServerProcess, _ sql: String) async throws -> String {
        let pool = PostgresPool(try PostgresEndpoint(parsing: server.url()), .init(connections: 1))
        defer { pool.close() }
        return try await pool.run(PostgresStatement(nil, sql).with())[0].rows[0].text(0)
    }

    private struct Place {
        let server: ChildProcess
        let buyer: ApiClient
        /// Flags of `serve` and of `reconcile`.
        let common: [String]
    }

    /// Starts a server that names both hosts.
    private func start(
        _ primary: PostgresServerProcess, _ replica: PostgresServerProcess, _ redis: RedisServerProcess
    ) async throws -> Place {
        let hosts = "127.0.0.1:\(primary.port),127.0.0.1:\(replica.port)"
        let url = primary.url().replacing("127.0.0.1:\(primary.port)", with: hosts)
        let common = ["--redis", redis.url, "--database", "\(url)?target_session_attrs=read-write"]
        let server = try await start(
            ["serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--reconcile-interval-s", "1"] + common)
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
        return Place(server: server, buyer: try await ApiClient(port: port).signedIn(), common: common)
    }

    @Test(
        "A server that names both hosts answers 503 with Retry-After meanwhile, sells again by itself, and nothing acknowledged is missing",
        .timeLimit(.minutes(10)), arguments: Loss.allCases)
    func failover(loss: Loss) async throws {
        try await withReplica { primary, replica in
            try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
                try await waitUntil(limit: .seconds(60)) {
                    let query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
                    return try await ask(primary, query) == "1"
                }
                let place = try await start(primary, replica, redis)
                let product = try await place.buyer.product(units: 100_000)
                let notebook = PurchaseNotebook()
                let over = Recorder<Bool>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            try await notebook.shop(place.buyer, product, number) { !over.values.isEmpty }
                        }
                    }
                    try await notebook.untilSold(more: 50)
                    if loss == .dies { await primary.kill() } else { primary.pause() }
                    try await Task.sleep(for: .seconds(1))
                    try await replica.promote()
                    try await notebook.untilSold(more: 50)
                    over.note(true)
                    try await group.waitForAll()
                }
                print(
                    "PostgreSQL failover: the primary \(loss.rawValue), \(notebook.all.bought.count) purchases, "
                        + "\(notebook.all.unavailable) answers of 503, nothing sold for \(notebook.all.standstill)"
                )
                try await audit(place, product, notebook.all, on: replica)
            }
        }
    }

    private func audit(
        _ place: Place, _ product: Int, _ notes: PurchaseNotebook.Notes, on replica: PostgresServerProcess
    ) async throws {
        #expect(notes.wrong.isEmpty, "\(notes.wrong.prefix(5))")
        #expect(notes.unavailable > 0, "nothing failed, so nothing was shown")
        let reconciled = try await start(["reconcile", "--fix"] + place.common)
        #expect(await reconciled.waitUntilExit(within: .seconds(60)) == .exited(0), "\(reconciled.lines())")
        let sold = try await notes.audit(product, supplied: 100_000, on: replica.url())
        #expect(try await place.buyer.stock(product) == 100_000 - sold)
        #expect(await place.server.terminate(grace: .seconds(60)) == .exited(0))
    }

    @Test("A server that names the replica alone says in one sentence what to do")
    func replicaAlone() async throws {
        try await withReplica { _, replica in
            try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
                let child = try await start([
                    "serve", "--dev", "--port", "0", "--redis", redis.url, "--database", replica.url(),
                ])
                let status = await child.waitUntilExit(within: .seconds(60))
                let said = child.lines().filter { !$0.isEmpty }
                #expect(status == .exited(73), "\(said)")
                let sentence = "is a read-only replica; name the server that takes writes"
                #expect(said.count == 1 && said[0].contains(sentence), "\(said)")
                #expect(!said.joined().contains(replica.password))
            }
        }
    }
}
