import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import PostgresClient
import Synchronization
import Testing

@testable import LabServerKit

/// Buyers with idempotency keys while PostgreSQL loses a process under a commit, dies, stands still for five
/// seconds, and is restarted.
@Suite(
    "Purchases while PostgreSQL fails", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresFaultTests {
    /// What each key was answered, for good, and what was wrong on the way.
    private final class Notebook: Sendable {
        struct Notes: Sendable {
            var bought: [String: Int] = [:]
            var refused: Set<String> = []
            var wrong: [String] = []
            var unavailable = 0
        }

        private let notes = Mutex(Notes())

        var all: Notes { notes.withLock { $0 } }

        func note(_ key: String, _ answer: ApiClient.Answer) {
            notes.withLock { notes in
                switch answer.status {
                case 200:
                    let id = answer.body["id"] as? Int ?? -1
                    if let before = notes.bought.updateValue(id, forKey: key), before != id {
                        notes.wrong.append("\(key): \(before), then \(id)")
                    }
                case 400: notes.refused.insert(key)
                case 503:
                    notes.unavailable += 1
                    if answer.headers[.retryAfter] == nil {
                        notes.wrong.append("no Retry-After: \(answer.text)")
                    }
                default: notes.wrong.append("\(answer.status): \(answer.text)")
                }
                for word in ["SQLSTATE", "SELECT", "libpq", "COMMIT"] where answer.text.contains(word) {
                    notes.wrong.append("\(word) reached a buyer: \(answer.text)")
                }
            }
        }
    }

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

    /// Buys under one key after the other, and asks again until the answer is definite.
    private static func shop(
        _ buyer: ApiClient, _ product: Int, _ number: Int, _ notebook: Notebook,
        until isOver: @Sendable () -> Bool
    ) async throws {
        var name = HTTPFields()
        var count = 0
        while !isOver() {
            count += 1
            let key = "b\(number)-\(count)"
            name[.idempotencyKey] = key
            while true {
                let answer = try await buyer.buy(product, headers: name)
                notebook.note(key, answer)
                if answer.status != 503 { break }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private func rows(_ text: String, on postgres: PostgresServerProcess) async throws -> [PostgresRow] {
        let connection = try await PostgresConnection.open(
            try PostgresEndpoint(parsing: postgres.url()), within: .seconds(10))
        defer { connection.close() }
        return try await connection.run([PostgresStatement(nil, text).with()], within: .seconds(10))[0].rows
    }

    /// Kills the process of PostgreSQL that serves the sales, under a commit where one is seen.
    private func killBackend(_ postgres: PostgresServerProcess) async throws -> Bool {
        let connection = try await PostgresConnection.open(
            try PostgresEndpoint(parsing: postgres.url()), within: .seconds(10))
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

    private func untilSold(_ notebook: Notebook, more: Int = 5) async throws {
        let goal = notebook.all.bought.count + more
        for _ in 0..<1200 where notebook.all.bought.count < goal {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(notebook.all.bought.count >= goal, "nothing is sold any more: \(notebook.all)")
    }

    @Test(
        "nothing acknowledged is missing, nothing is sold twice, every refusal says when to come back, and sales go on by themselves",
        .timeLimit(.minutes(10)), arguments: ["lua-atomic", "sql-row"])
    func faults(strategy: String) async throws {
        try await withPlace(strategy) { place in
            let product = try await place.buyer.product(units: 100_000)
            let notebook = Notebook()
            let over = Recorder<Bool>()
            var commits = 0
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await Self.shop(place.buyer, product, number, notebook) { !over.values.isEmpty }
                    }
                }
                try await untilSold(notebook)
                for _ in 0..<3 {
                    if try await killBackend(place.postgres) { commits += 1 }
                    try await untilSold(notebook)
                }
                await place.postgres.kill()
                try await Task.sleep(for: .milliseconds(300))
                try await place.postgres.restart()
                try await untilSold(notebook)
                place.postgres.pause()
                try await Task.sleep(for: .seconds(5))
                place.postgres.resume()
                try await untilSold(notebook)
                try await place.postgres.restart()
                try await untilSold(notebook)
                over.note(true)
                try await group.waitForAll()
            }
            let notes = notebook.all
            print(
                "PostgreSQL faults: \(strategy), \(commits) of 3 backends killed under COMMIT, "
                    + "\(notes.bought.count) purchases, \(notes.unavailable) answers of 503")
            #expect(notes.wrong.isEmpty, "\(notes.wrong.prefix(5))")
            #expect(notes.unavailable > 0, "nothing failed, so nothing was shown")
            try await audit(place, product, notes)
        }
    }

    /// With statements of its own.
    private func audit(_ place: Place, _ product: Int, _ notes: Notebook.Notes) async throws {
        let reconciled = try await start(["reconcile", "--fix"] + place.common)
        #expect(await reconciled.waitUntilExit(within: .seconds(60)) == .exited(0), "\(reconciled.lines())")
        let rows = try await rows(
            "SELECT idempotency_key, id, product_id, quantity FROM purchases", on: place.postgres)
        let byKey = Dictionary(grouping: try rows.map { (try $0.text(0), try $0.int(1)) }) { $0.0 }
        #expect(byKey.values.allSatisfy { $0.count == 1 }, "a key bought twice")
        let lost = notes.bought.filter { byKey[$0.key]?.first?.1 != $0.value }
        #expect(lost.isEmpty, "acknowledged and missing: \(lost)")
        #expect(Set(byKey.keys) == Set(notes.bought.keys), "there are rows that nobody knows")
        let sums = try await self.rows(
            "SELECT supplied, sold FROM products WHERE id = \(product)", on: place.postgres)
        #expect(try sums[0].int(1) == rows.count && sums[0].int(0) == 100_000)
        #expect(try await place.buyer.stock(product) == 100_000 - rows.count)
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
            var refused = 0
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
                        #expect(answer.text.contains("ledger-overloaded"), "\(answer.text)")
                    } else {
                        #expect(answer.status == 200, "\(answer.text)")
                    }
                    // So many readers, at least, have no connection.
                    if refused == 13 { await holder.rollBack(within: .seconds(10)) }
                }
            }
            holder.close()
            #expect(refused >= 13)
            let listed = try await place.buyer.send(.get, "/api/purchases/me")
            #expect(listed.status == 200)
            let bought = try await place.buyer.buy(product)
            #expect(bought.status == 200, "\(bought.text)")
        }
    }
}
