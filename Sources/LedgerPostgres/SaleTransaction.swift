import InventoryService
import LockStrategies
import PostgresClient

/// Writes sales that came together in one transaction: three round trips, however many they are. The first
/// locks and reads what decides about them, the second writes rows and sums, the third commits.
struct SaleTransaction: Sendable {
    /// The name of the ledger in Redis.
    let origin: String
    let pool: PostgresPool
    /// How long the transaction may take to begin.
    let patience: Duration

    /// What one transaction came to.
    struct Report: Sendable {
        /// In the order of the sales.
        let results: [Result<RecordOutcome, InventoryError>]
        /// Rows became durable, or there was nothing to write.
        let isDurable: Bool
    }

    /// Something else was written under a key or a reservation between the look and the write, or the row of
    /// a product refused what its sales add up to.
    private struct Dissent: Error {}

    func record(_ sales: [Sale]) async -> Report {
        var attemptsLeft = 4
        while true {
            attemptsLeft -= 1
            do {
                return Report(results: try await attempt(sales), isDurable: true)
            } catch let error as PostgresError where !error.mayBeRepeated || attemptsLeft == 0 {
                // What the server refuses may be one sale's fault.
                guard error.code == .refused, sales.count > 1 else { return refuse(sales, error) }
                return await each(sales)
            } catch {
                if attemptsLeft > 0 { continue }
                guard sales.count > 1 else { return refuse(sales, error) }
                return await each(sales)
            }
        }
    }

    private func each(_ sales: [Sale]) async -> Report {
        var results: [Result<RecordOutcome, InventoryError>] = []
        for sale in sales { results += await record([sale]).results }
        return Report(results: results, isDurable: true)
    }

    private func refuse(_ sales: [Sale], _ error: any Error) -> Report {
        let own =
            error is Dissent
            ? InventoryError(.ledgerUnavailable, "the row of the product refused what its sales add up to")
            : PostgresLedger.error(error)
        return Report(results: sales.map { _ in .failure(own) }, isDurable: false)
    }

    private func attempt(_ sales: [Sale]) async throws -> [Result<RecordOutcome, InventoryError>] {
        let limit = pool.settings.answer
        return try await pool.withConnection { connection in
            try await connection.transaction(within: limit) { connection in
                let answers = try await connection.run(
                    [.begin] + SaleFacts.questions(about: sales), within: min(patience, limit))
                let facts = try SaleFacts(Array(answers.dropFirst()))
                let batch = SaleBatch(sales, facts, origin: origin)
                let places = batch.written
                guard !places.isEmpty else { return batch.results([:]) }
                let results = try await connection.run(Self.writes(batch, places), within: limit)
                guard results[0].count == batch.units.count, results[1].rows.count == places.count else {
                    throw Dissent()
                }
                return batch.results(try Self.numbers(results[1].rows, batch, places))
            }
        }
    }

    private static func numbers(
        _ rows: [PostgresRow], _ batch: SaleBatch, _ places: [Int]
    ) throws -> [Int: PurchaseID] {
        var numbers: [String: PurchaseID] = [:]
        for row in rows { numbers[try row.text(1)] = PurchaseID(try row.number(0)) }
        return places.reduce(into: [:]) { $0[$1] = numbers[batch.sales[$1].reservation.description] }
    }

    private static func writes(_ batch: SaleBatch, _ places: [Int]) -> [PostgresCommand] {
        let sales = places.map { batch.sales[$0] }
        let totals = places.map { place -> Int64? in
            guard case .written(let total) = batch.verdicts[place] else { return nil }
            return Int64(total)
        }
        return [
            sell.with(
                .integers(batch.units.map(\.product.rawValue)),
                .integers(batch.units.map { Int64($0.units) }), .integers(batch.units.map(\.epoch))),
            insert.with(
                .integers(sales.map(\.user.rawValue)), .integers(sales.map(\.product.rawValue)),
                .integers(sales.map { Int64($0.quantity) }), .integers(totals),
                .texts(sales.map(\.reservation.description)),
                .texts(sales.map { $0.idempotencyKey?.description }), .texts(sales.map(\.strategy)),
                .integers(sales.map { $0.fence?.rawValue }), .texts(sales.map(\.purchasedAt.description))),
        ]
    }

    /// The last guard: whatever was counted before, the row itself refuses more than was supplied.
    private static let sell = PostgresStatement(
        "sell",
        """
        UPDATE products SET sold = sold + given.units
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS given (id, units, epoch)
        WHERE products.id = given.id AND sold + given.units <= supplied AND products.epoch = given.epoch
            AND deleted_at IS NULL
        """)

    /// The order gives the purchases their numbers.
    private static let insert = PostgresStatement(
        "insert_purchases",
        """
        INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id,
            idempotency_key, strategy, fence, purchased_at)
        SELECT user_id, product_id, quantity, total_price, reservation_id, idempotency_key, strategy, fence,
            purchased_at
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
            $7::text[], $8::bigint[], $9::text[]) WITH ORDINALITY AS given (user_id, product_id, quantity,
            total_price, reservation_id, idempotency_key, strategy, fence, purchased_at, place)
        ORDER BY place
        ON CONFLICT DO NOTHING RETURNING id, reservation_id
        """)
}
