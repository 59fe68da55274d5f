import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import PostgresClient
import Testing

@testable import LabServerKit

/// Buyers with idempotency keys while PostgreSQL loses a process under a commit, dies, stands still for five
/// seconds, and is restarted.
@Suite(
    "Purchases while PostgreSQL fails", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresFaultTests {
    private struct Place {
        let postgres: PostgresServerProcess
        let redis: RedisServerProcess
        let server: ChildProcess
        let buyer: ApiClient
        /// Flags of `serve` and of `reconcile`.
        let common: [String]
    }

    private func start(_ arguments: [String]) async throws -> ChildProcess {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        return try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: environment)
    }

    private func withPlace(_ strategy: String, _ body: (Place) async throws -> Void) async throws {
        try await withPostgresServer { postgres in
            try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
                let common = ["--redis", redis.url, "--database", postgres.url(), "--strategy", strategy]
                let server = try await start(
                    ["serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--reconcile-interval-s", "1"]
                        + common)
                let line = try #require(
                    await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
                    "\(server.lines())")
                let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
                let buyer = try await ApiClient(port: port).signedIn()
                try await body(
                    Place(postgres: postgres, redis: redis, server: server, buyer: buyer, common: common))
                #expect(await server.terminate(grace: .seconds(60)) == .exited(0))
            }
        }
    }

    /// PostgreSQL may still be recovering from what was done to it before.
    private func connect(to postgres: PostgresServerProcess) async throws -> PostgresConnection {
        let endpoint = try PostgresEndpoint(parsing: postgres.url())
        for _ in 0..<200 {
            if let connection = try? await PostgresConnection.open(endpoint, within: .seconds(10)) {
                return connection
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await PostgresConnection.open(endpoint, within: .seconds(10))
    }

    /// Kills the process of PostgreSQL that serves the sales, under a commit where one is seen.
    private func killBackend(_ postgres: PostgresServerProcess) async throws -> Bool {
        let connection = try await connect(to: postgres)
        defer { connection.close() }
        let look = PostgresStatement(
            "look",
            """
            SELECT pid, query = 'COMMIT' AND state = 'active' FROM pg_stat_activity
            WHERE application_name = 'lab-server' AND pid <> pg_backend_pid() ORDER BY 2 DESC LIMIT 1
            """)
        var last: (pid: Int, isCommitting: Bool)?
        for _ in 0..<500 {
            guard let row = try await connection.run([look.with()], within: .seconds(10))[0].rows.first else {
                continue
            }
            last = (try row.int(0), try row.flag(1))
            if last?.isCommitting == true { break }
        }
        let found = try #require(last)
        kill(pid_t(found.pid), SIGKILL)
        return found.isCommitting
    }

    @Test(
        "nothing acknowledged is missing, nothing is sold twice, every refusal says when to come back, and sales go on by themselves",
        .timeLimit(.minutes(10)), arguments: ["lua-atomic", "sql-row", "pg-advisory"])
    func faults(strategy: String) async throws {
        try await withPlace(strategy) { place in
            let product = try await place.buyer.product(units: 100_000)
            let notebook = PurchaseNotebook()
            let over = Recorder<Bool>()
            var commits = 0
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await notebook.shop(place.buyer, product, number) { !over.values.isEmpty }
                    }
                }
                try await notebook.untilSold()
                for _ in 0..<3 {
                    if try await killBackend(place.postgres) { commits += 1 }
                    try await notebook.untilSold()
                }
                await place.postgres.kill()
                try await Task.sleep(for: .milliseconds(300))
                try await place.postgres.restart()
                try await notebook.untilSold()
                place.postgres.pause()
                try await Task.sleep(for: .seconds(5))
                place.postgres.resume()
                try await notebook.untilSold()
                try await place.postgres.restart()
                try await notebook.untilSold()
                over.note(true)
                try await group.waitForAll()
            }
            let notes = notebook.all
            print(
                "PostgreSQL faults: \(strategy), \(commits) of 3 backends killed under COMMIT, "
                    + "\(notes.bought.count) purchases, \(notes.unavailable) answers of 503")
            #expect(notes.wrong.isEmpty, "\(notes.wrong.prefix(5))")
            #expect(notes.unavailable > 0, "nothing failed, so nothing was shown")
            #expect(notes.contended == 0 || strategy == "pg-advisory", "nobody else waits for a lock")
            try await audit(place, product, notes)
        }
    }

    private func audit(_ place: Place, _ product: Int, _ notes: PurchaseNotebook.Notes) async throws {
        let reconciled = try await start(["reconcile", "--fix"] + place.common)
        #expect(await reconciled.waitUntilExit(within: .seconds(60)) == .exited(0), "\(reconciled.lines())")
        let sold = try await notes.audit(product, supplied: 100_000, on: place.postgres.url())
        // A return that needs PostgreSQL for its lock waits for the server's next comparison.
        if place.common.contains("pg-advisory") {
            try await waitUntil(limit: .seconds(30)) {
                try await place.buyer.stock(product) == 100_000 - sold
            }
        }
        #expect(try await place.buyer.stock(product) == 100_000 - sold)
    }

    @Test(
        "Who finds all connections of the server taken is refused with 503 and Retry-After, and served when one is free"
    )
    func exhausted() async throws {
        try await withPlace("lua-atomic") { place in
            let product = try await place.buyer.product(units: 10)
            let holder = try await PostgresConnection.open(
                try PostgresEndpoint(parsing: place.postgres.url()), within: .seconds(10))
            _ = try await holder.run(
                [
                    PostgresStatement(nil, "BEGIN").with(),
                    PostgresStatement(nil, "LOCK TABLE purchases IN ACCESS EXCLUSIVE MODE").with(),
                ], within: .seconds(10))
            // One more than the pool has wait in vain; those that have a connection wait for the table.
            var (refused, overloaded) = (0, 0)
            try await withThrowingTaskGroup(of: (status: Int, comeBack: String?, text: String).self) {
                group in
                for _ in 0..<20 {
                    group.addTask {
                        let answer = try await place.buyer.send(.get, "/api/purchases/me")
                        return (answer.status, answer.headers[.retryAfter], answer.text)
                    }
                }
                group.addTask {
                    let answer = try await place.buyer.buy(product)
                    return (answer.status, answer.headers[.retryAfter], answer.text)
                }
                for try await answer in group {
                    if answer.status == 503 {
                        refused += 1
                        #expect(answer.comeBack != nil, "\(answer.text)")
                        if answer.text.contains("ledger-overloaded") {
                            overloaded += 1
                        } else {
                            // One that had a connection, on a machine where the others came late.
                            #expect(answer.text.contains("ledger-unavailable"), "\(answer.text)")
                        }
                    } else {
                        #expect(answer.status == 200, "\(answer.text)")
                    }
                    // So many readers, at least, have no connection.
                    if refused == 13 { await holder.rollBack(within: .seconds(10)) }
                }
            }
            holder.close()
            #expect(refused >= 13)
            // Only those that had one of the eight connections may be refused for another reason.
            #expect(refused - overloaded <= 8)
            let listed = try await place.buyer.send(.get, "/api/purchases/me")
            #expect(listed.status == 200)
            let bought = try await place.buyer.buy(product)
            #expect(bought.status == 200, "\(bought.text)")
        }
    }
}
