import GRDB
public import InventoryService
public import LockStrategies

extension SQLiteLedger {
    public func stockAccounts(
        after last: ProductID?, limit: Int
    ) async throws(InventoryError) -> [StockAccount] {
        try await read { [origin] database in
            try Row.fetchAll(
                database.cachedStatement(sql: "SELECT * FROM products WHERE id > ? ORDER BY id LIMIT ?"),
                arguments: [last?.rawValue ?? 0, limit]
            ).map { Self.account($0, origin) }
        }
    }

    public func stockAccount(_ product: ProductID) async throws(InventoryError) -> StockAccount? {
        try await read { [origin] database in
            try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM products WHERE id = ?"),
                arguments: [product.rawValue]
            ).map { Self.account($0, origin) }
        }
    }

    public func recorded(among ids: [ReservationID]) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        return try await read { try Self.recorded(among: ids, in: $0) }
    }

    public func end(
        _ ids: [ReservationID], at time: Timestamp, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        return try await writer.submit { database in
            let recorded = try Self.recorded(among: ids, in: database)
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO ended_reservations (reservation_id, ended_at) VALUES (?, ?)
                    ON CONFLICT DO NOTHING
                    """)
            for id in ids where !recorded.contains(id) {
                try statement.execute(arguments: [id.description, time.description])
            }
            return recorded
        }
    }

    public func forgetEnded(before time: Timestamp) async throws(InventoryError) {
        try await deleteOld(
            "ended_reservations WHERE ended_at < ?1",
            """
            DELETE FROM ended_reservations WHERE reservation_id IN (
                SELECT reservation_id FROM ended_reservations WHERE ended_at < ?1 LIMIT 1000)
            """, before: time)
        try await deleteOld(
            "refused_purchases WHERE refused_at < ?1",
            """
            DELETE FROM refused_purchases WHERE (user_id, idempotency_key) IN (
                SELECT user_id, idempotency_key FROM refused_purchases WHERE refused_at < ?1 LIMIT 1000)
            """, before: time)
    }

    /// Deletes a slice at a time, so that sales go between.
    private func deleteOld(
        _ rows: String, _ deleteSome: String, before time: Timestamp
    ) async throws(InventoryError) {
        while try await hasRow(rows, time) {
            try await writer.submit { database in
                try database.execute(sql: deleteSome, arguments: [time.description])
            }
        }
    }

    private func hasRow(_ rows: String, _ time: Timestamp) async throws(InventoryError) -> Bool {
        try await read { database in
            try Self.exists("SELECT 1 FROM \(rows) LIMIT 1", [time.description], in: database)
        }
    }

    public func beginFilling(
        _ product: ProductID, above number: Int64, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> StockFilling? {
        try await writer.submit { [origin] database in
            try Row.fetchOne(
                database.cachedStatement(
                    sql: """
                        UPDATE products SET epoch = max(epoch, ?) + 1 WHERE id = ? AND deleted_at IS NULL
                        RETURNING epoch, supplied - sold AS units
                        """),
                arguments: [number, product.rawValue]
            ).map { StockFilling(epoch: StockEpoch(origin: origin, number: $0["epoch"]), units: $0["units"]) }
        }
    }

    public func stockServers() async throws(InventoryError) -> Set<String> {
        try await read { try String.fetchSet($0, sql: "SELECT run_id FROM stock_servers") }
    }

    public func noteStockServers(
        _ runs: Set<String>, distrust: Bool, in turn: ReconcileTurn?
    ) async throws(InventoryError) {
        try await writer.submit { database in
            if distrust {
                try database.execute(sql: "UPDATE products SET epoch = epoch + 1 WHERE deleted_at IS NULL")
            }
            try database.execute(sql: "DELETE FROM stock_servers")
            for run in runs {
                try database.execute(
                    sql: "INSERT INTO stock_servers (run_id) VALUES (?)", arguments: [WholeText(run)])
            }
        }
    }

    public func record(_ movement: SupplyMovement) async throws(InventoryError) -> SupplyOutcome {
        try await writer.submit { [origin] in try Self.record(movement, origin, in: $0) }
    }

    private static func record(
        _ movement: SupplyMovement, _ origin: String, in database: Database
    ) throws -> SupplyOutcome {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM products WHERE id = ? AND deleted_at IS NULL",
            arguments: [movement.product.rawValue])
        guard let row else { return .productNotFound }
        let before = account(row, origin)
        if let epoch = movement.epoch, epoch != before.epoch { return .stockReplaced }
        let isEnded = try exists(
            "SELECT 1 FROM ended_reservations WHERE reservation_id = ?", [movement.id.description],
            in: database)
        if isEnded { return .reservationEnded }
        let supplied = before.supplied + movement.delta
        guard (before.sold...Bounds.units).contains(supplied) else { return .outOfRange }
        try database.execute(
            sql: "UPDATE products SET supplied = ? WHERE id = ?",
            arguments: [supplied, movement.product.rawValue])
        try database.execute(
            sql: """
                INSERT INTO stock_movements (product_id, delta, reason, actor_id, created_at, reservation_id)
                VALUES (?, ?, ?, (SELECT id FROM users WHERE id = ?), ?, ?)
                """,
            arguments: [
                movement.product.rawValue, movement.delta, WholeText(movement.reason),
                movement.actor.rawValue,
                movement.time.description, movement.id.description,
            ])
        return .recorded(
            StockAccount(
                product: before.product, supplied: supplied, sold: before.sold, epoch: before.epoch,
                isDeleted: false))
    }

    private static func recorded(
        among ids: [ReservationID], in database: Database
    ) throws -> Set<ReservationID> {
        let statement = try database.cachedStatement(
            sql: """
                SELECT 1 FROM purchases WHERE reservation_id = ?1
                UNION ALL SELECT 1 FROM stock_movements WHERE reservation_id = ?1 AND delta < 0
                """)
        return Set(
            try ids.filter { try Int.fetchOne(statement, arguments: [$0.description]) != nil })
    }

    private static func account(_ row: Row, _ origin: String) -> StockAccount {
        let deletedAt: String? = row["deleted_at"]
        return StockAccount(
            product: ProductID(row["id"]), supplied: row["supplied"], sold: row["sold"],
            epoch: StockEpoch(origin: origin, number: row["epoch"]), isDeleted: deletedAt != nil)
    }
}
