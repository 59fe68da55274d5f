import HTTPTypes
import LabTesting
import PostgresClient
import Synchronization
import Testing

@testable import LabServerKit

/// What buyers under idempotency keys were told while PostgreSQL failed: what each key was answered, for
/// good, and what was wrong on the way.
final class PurchaseNotebook: Sendable {
    struct Notes: Sendable {
        var bought: [String: Int] = [:]
        var refused: Set<String> = []
        var wrong: [String] = []
        var unavailable = 0
        var contended = 0
        var lastSale: ContinuousClock.Instant?
        /// The longest time between two sales.
        var standstill = Duration.zero
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
                let now = ContinuousClock.now
                notes.standstill = max(notes.standstill, notes.lastSale.map { now - $0 } ?? .zero)
                notes.lastSale = now
            case 400: notes.refused.insert(key)
            // In line for a lock behind one who asks a PostgreSQL that does not answer.
            case 409 where answer.body["type"] as? String == "/problems/contended":
                notes.contended += 1
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

    /// Buys under one key after the other, and asks again until the answer is definite.
    func shop(
        _ buyer: ApiClient, _ product: Int, _ number: Int, until isOver: @Sendable () -> Bool
    ) async throws {
        var name = HTTPFields()
        var count = 0
        while !isOver() {
            count += 1
            let key = "b\(number)-\(count)"
            name[.idempotencyKey] = key
            while true {
                let answer = try await buyer.buy(product, headers: name)
                note(key, answer)
                if answer.status != 503 && answer.status != 409 { break }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    func untilSold(more: Int = 5) async throws {
        let goal = all.bought.count + more
        for _ in 0..<1200 where all.bought.count < goal {
            try await Task.sleep(for: .milliseconds(50))
        }
        try #require(all.bought.count >= goal, "nothing is sold any more: \(all)")
    }
}

extension PurchaseNotebook.Notes {
    /// Compares with the ledger, by statements of its own.
    ///
    /// - Parameter url: With its password.
    /// - Returns: Purchases of the product.
    func audit(_ product: Int, supplied: Int, on url: String) async throws -> Int {
        let pool = PostgresPool(try PostgresEndpoint(parsing: url), .init(connections: 1))
        defer { pool.close() }
        let rows = try await pool.run(
            PostgresStatement(
                nil, "SELECT idempotency_key, id FROM purchases WHERE product_id = $1::bigint"
            ).with(.integer(Int64(product))))[0].rows
        let byKey = Dictionary(grouping: try rows.map { (try $0.text(0), try $0.int(1)) }) { $0.0 }
        #expect(byKey.values.allSatisfy { $0.count == 1 }, "a key bought twice")
        let lost = bought.filter { byKey[$0.key]?.first?.1 != $0.value }
        #expect(lost.isEmpty, "acknowledged and missing: \(lost)")
        #expect(Set(byKey.keys) == Set(bought.keys), "there are rows that nobody knows")
        let sums = try await pool.run(
            PostgresStatement(nil, "SELECT supplied, sold FROM products WHERE id = $1::bigint")
                .with(.integer(Int64(product))))[0].rows
        #expect(try sums[0].int(1) == rows.count && sums[0].int(0) == supplied)
        return rows.count
    }
}
