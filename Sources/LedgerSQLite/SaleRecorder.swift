import GRDB
import InventoryService
import LockStrategies

/// Writes sales into the tables, inside a transaction of the caller.
///
/// A change of a product's row costs as much as the row of a purchase, and so does a savepoint. So sales that
/// come together change each product once, after their rows, and share a savepoint. Each sale still gets the
/// answer that it would get alone, in their order.
struct SaleRecorder: Sendable {
    /// The name of the ledger in Redis.
    let origin: String

    struct Report {
        /// In the order of the sales.
        var results: [Result<RecordOutcome, any Error>]
        /// Why the sales were not written together, but each alone; nil when they were.
        var dissent: (any Error)?
    }

    /// Records the sales together; when one of them fails, each alone, so that it fails alone.
    ///
    /// - Throws: The error with which SQLite gave up the whole transaction; nothing more can be written in
    ///   it.
    func record(_ sales: [Sale], in database: Database) throws -> Report {
        do {
            let outcomes = try database.inPart { try together(sales, in: database) }
            return Report(results: outcomes.map { .success($0) }, dissent: nil)
        } catch {
            guard database.isInsideTransaction else { throw error }
            return Report(results: try each(sales, in: database), dissent: error)
        }
    }

    // MARK: - Together

    /// What the sales before have left of a product.
    private struct Remainder {
        let price: Int
        let epoch: Int64
        let supplied: Int
        var sold: Int
        /// Units of the sales that are written together.
        var units = 0
    }

    private func together(_ sales: [Sale], in database: Database) throws -> [RecordOutcome] {
        let hasEnded = try SQLiteLedger.exists("SELECT 1 FROM ended_reservations LIMIT 1", [], in: database)
        let insert = try database.cachedStatement(sql: Self.insert)
        var remainders: [ProductID: Remainder] = [:]
        var outcomes: [RecordOutcome] = []
        outcomes.reserveCapacity(sales.count)
        for sale in sales {
            if let earlier = try outcomeBefore(sale, in: database) {
                outcomes.append(earlier)
                continue
            }
            if hasEnded, try Self.isEnded(sale.reservation, in: database) {
                outcomes.append(.reservationEnded)
                continue
            }
            let known = try remainders[sale.product] ?? remainder(of: sale.product, in: database)
            guard var remainder = known else {
                outcomes.append(.productNotFound)
                continue
            }
            if let epoch = sale.epoch, epoch.number != remainder.epoch {
                outcomes.append(.stockReplaced)
            } else if sale.quantity > remainder.supplied - remainder.sold {
                outcomes.append(.oversellRefused)
            } else {
                outcomes.append(.recorded(try write(sale, at: remainder.price, insert, in: database)))
                remainder.sold += sale.quantity
                remainder.units += sale.quantity
            }
            remainders[sale.product] = remainder
        }
        for (product, remainder) in remainders where remainder.units > 0 {
            try sell(remainder.units, of: product, epoch: remainder.epoch, in: database)
        }
        return outcomes
    }

    private func remainder(of product: ProductID, in database: Database) throws -> Remainder? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT price, epoch, supplied, sold FROM products WHERE id = ? AND deleted_at IS NULL"),
            arguments: [product.rawValue]
        ).map {
            Remainder(price: $0["price"], epoch: $0["epoch"], supplied: $0["supplied"], sold: $0["sold"])
        }
    }

    /// The last guard: whatever was counted before, the row itself refuses more than was supplied.
    private func sell(
        _ units: Int, of product: ProductID, epoch: Int64, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                UPDATE products SET sold = sold + ?1
                WHERE id = ?2 AND sold + ?1 <= supplied AND epoch = ?3 AND deleted_at IS NULL
                """
        ).execute(arguments: [units, product.rawValue, epoch])
        guard database.changesCount == 1 else {
            throw InventoryError(
                .ledgerUnavailable, "the row of product \(product) refused what its sales add up to")
        }
    }

    // MARK: - Alone

    func each(_ sales: [Sale], in database: Database) throws -> [Result<RecordOutcome, any Error>] {
        try sales.map { sale in
            do {
                return .success(try database.inPart { try alone(sale, in: database) })
            } catch {
                guard database.isInsideTransaction else { throw error }
                return .failure(error)
            }
        }
    }

    private func alone(_ sale: Sale, in database: Database) throws -> RecordOutcome {
        if let earlier = try outcomeBefore(sale, in: database) { return earlier }
        let price = try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    UPDATE products SET sold = sold + ?1
                    WHERE id = ?2 AND sold + ?1 <= supplied AND epoch = coalesce(?3, epoch)
                        AND deleted_at IS NULL
                        AND NOT EXISTS (SELECT 1 FROM ended_reservations WHERE reservation_id = ?4)
                    RETURNING price
                    """),
            arguments: [
                sale.quantity, sale.product.rawValue, sale.epoch?.number, sale.reservation.description,
            ])
        guard let price else { return try refusal(of: sale, in: database) }
        do {
            let insert = try database.cachedStatement(sql: Self.insert)
            return .recorded(try write(sale, at: price, insert, in: database))
        } catch let error as DatabaseError
            where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY
        {
            // The product's row was just changed, so the user is what is missing.
            throw InventoryError(.unknownUser, "this user does not exist any more", underlying: error)
        }
    }

    /// Why the update of the product's row found nothing to change.
    private func refusal(of sale: Sale, in database: Database) throws -> RecordOutcome {
        if try Self.isEnded(sale.reservation, in: database) { return .reservationEnded }
        guard let remainder = try remainder(of: sale.product, in: database) else { return .productNotFound }
        if let epoch = sale.epoch, epoch.number != remainder.epoch { return .stockReplaced }
        return .oversellRefused
    }

    // MARK: - One sale

    /// What is to be said without a look at the product; nil: nothing.
    private func outcomeBefore(_ sale: Sale, in database: Database) throws -> RecordOutcome? {
        if let key = sale.idempotencyKey,
            let earlier = try SQLiteLedger.purchase(of: sale.user, under: key, in: database)
        {
            return .alreadyRecorded(earlier)
        }
        if let epoch = sale.epoch, epoch.origin != origin { return .stockReplaced }
        guard let limit = sale.limit else { return nil }
        let before = try SQLiteLedger.unitsBought(by: sale.user, of: sale.product, in: database)
        return before <= limit - sale.quantity ? nil : .limitReached
    }

    private static func isEnded(_ id: ReservationID, in database: Database) throws -> Bool {
        try Int.fetchOne(
            database.cachedStatement(sql: "SELECT 1 FROM ended_reservations WHERE reservation_id = ?"),
            arguments: [id.description]) != nil
    }

    private static let insert = """
        INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id,
            idempotency_key, strategy, fence, purchased_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    private func write(
        _ sale: Sale, at price: Int, _ insert: Statement, in database: Database
    ) throws -> Purchase {
        let total = price * sale.quantity
        try insert.execute(arguments: [
            sale.user.rawValue, sale.product.rawValue, sale.quantity, total, sale.reservation.description,
            sale.idempotencyKey?.description, WholeText(sale.strategy), sale.fence?.rawValue,
            sale.purchasedAt.description,
        ])
        return Purchase(
            id: PurchaseID(database.lastInsertedRowID), user: sale.user, product: sale.product,
            quantity: sale.quantity, totalPrice: total, purchasedAt: sale.purchasedAt)
    }
}
