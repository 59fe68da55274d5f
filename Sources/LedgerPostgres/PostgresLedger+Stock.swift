package import InventoryService
package import LockStrategies
import PostgresClient

extension PostgresLedger {
    private static let accountColumns = "id, supplied, sold, epoch, deleted_at"

    package func stockAccounts(
        after last: ProductID?, limit: Int
    ) async throws(InventoryError) -> [StockAccount] {
        let rows = try await rows(
            PostgresStatement(
                "stock_accounts",
                """
                SELECT \(Self.accountColumns) FROM products WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint
                """
            ).with(.integer(last?.rawValue ?? 0), limit < 0 ? .null : PostgresValue(limit)))
        return try Self.value { try rows.map(self.account) }
    }

    package func stockAccount(_ product: ProductID) async throws(InventoryError) -> StockAccount? {
        let rows = try await rows(
            PostgresStatement(
                "stock_account", "SELECT \(Self.accountColumns) FROM products WHERE id = $1::bigint"
            ).with(.integer(product.rawValue)))
        return try Self.value { try rows.first.map(self.account) }
    }

    package func recorded(among ids: [ReservationID]) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        let rows = try await rows(Self.recordedReservations(ids))
        return try Self.value { try Self.reservations(rows) }
    }

    private static func recordedReservations(_ ids: [ReservationID]) -> PostgresCommand {
        PostgresStatement(
            "recorded_reservations",
            """
            SELECT id FROM unnest($1::text[]) AS given (id) WHERE
                EXISTS (SELECT 1 FROM purchases WHERE reservation_id = given.id OFFSET 0)
                OR EXISTS (SELECT 1 FROM stock_movements WHERE reservation_id = given.id AND delta < 0 OFFSET 0)
            """
        ).with(.texts(ids.map(\.description)))
    }

    static func reservations(_ rows: [PostgresRow]) throws -> Set<ReservationID> {
        Set(try rows.compactMap { ReservationID(stored: try $0.text(0)) })
    }

    package func end(
        _ ids: [ReservationID], at time: Timestamp, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        return try await transaction { connection in
            try await self.begin(in: turn, on: connection)
            // Each statement sees what was committed before it began: all sales that had the lock.
            let results = try await connection.run(
                [LedgerLock.endings.exclusive, Self.recordedReservations(ids)], within: self.limit)
            let recorded = try Self.reservations(results.last?.rows ?? [])
            let others = Set(ids).subtracting(recorded).map(\.description).sorted()
            _ = try await connection.run(
                [
                    PostgresStatement(
                        "end_reservations",
                        """
                        INSERT INTO ended_reservations (reservation_id, ended_at)
                        SELECT id, $2 FROM unnest($1::text[]) AS given (id) ON CONFLICT DO NOTHING
                        """
                    ).with(.texts(others), .text(time.description))
                ], within: self.limit)
            return recorded
        }
    }

    /// Begins a transaction that is written in this turn or not at all.
    private func begin(in turn: ReconcileTurn?, on connection: PostgresConnection) async throws {
        let commands = [.begin, turn.map(servers.hold)].compactMap(\.self)
        let results = try await connection.run(commands, within: limit)
        guard turn == nil || results[1].count == 1 else { throw PostgresCompany.lostTurn }
    }

    package func forgetEnded(before time: Timestamp) async throws(InventoryError) {
        try await deleteOld(
            PostgresStatement(
                "forget_ended",
                """
                DELETE FROM ended_reservations WHERE reservation_id IN (
                    SELECT reservation_id FROM ended_reservations WHERE ended_at < $1 LIMIT \(Self.slice)
                    FOR UPDATE SKIP LOCKED)
                """), before: time)
        try await deleteOld(
            PostgresStatement(
                "forget_refusals",
                """
                DELETE FROM refused_purchases WHERE (user_id, idempotency_key) IN (
                    SELECT user_id, idempotency_key FROM refused_purchases WHERE refused_at < $1
                    LIMIT \(Self.slice) FOR UPDATE SKIP LOCKED)
                """), before: time)
    }

    private static let slice = 1000

    /// Deletes a slice at a time, so that others go between. Servers that do it at the same time take
    /// different rows.
    private func deleteOld(
        _ statement: PostgresStatement, before time: Timestamp
    ) async throws(InventoryError) {
        while try await write(statement.with(.text(time.description))).first?.count == Self.slice {}
    }

    package func beginFilling(
        _ product: ProductID, above number: Int64, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> StockFilling? {
        try await transaction { connection in
            try await self.begin(in: turn, on: connection)
            let update = Self.raiseEpoch.with(.integer(number), .integer(product.rawValue))
            let results = try await connection.run([update], within: self.limit)
            return try results[0].rows.first.map { row in
                StockFilling(
                    epoch: StockEpoch(origin: self.origin, number: try row.number(0)), units: try row.int(1))
            }
        }
    }

    private static let raiseEpoch = PostgresStatement(
        "begin_filling",
        """
        UPDATE products SET epoch = greatest(epoch, $1::bigint) + 1
        WHERE id = $2::bigint AND deleted_at IS NULL RETURNING epoch, supplied - sold
        """)

    package func stockServers() async throws(InventoryError) -> Set<String> {
        let rows = try await rows(
            PostgresStatement("stock_servers", "SELECT run_id FROM stock_servers").with())
        return try Self.value { Set(try rows.map { try $0.text(0) }) }
    }

    package func noteStockServers(
        _ runs: Set<String>, distrust: Bool, in turn: ReconcileTurn?
    ) async throws(InventoryError) {
        try await transaction { connection in
            try await self.begin(in: turn, on: connection)
            var commands: [PostgresCommand] = []
            if distrust {
                // In the order in which sales lock them.
                commands.append(
                    PostgresStatement(
                        nil,
                        """
                        WITH open AS (
                            SELECT id FROM products WHERE deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE)
                        UPDATE products SET epoch = epoch + 1 FROM open WHERE products.id = open.id
                        """
                    ).with())
            }
            commands += [
                PostgresStatement(nil, "DELETE FROM stock_servers").with(),
                PostgresStatement(
                    nil,
                    "INSERT INTO stock_servers (run_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
                ).with(.texts(runs.sorted())),
            ]
            _ = try await connection.run(commands, within: self.limit)
        }
    }

    package func record(_ movement: SupplyMovement) async throws(InventoryError) -> SupplyOutcome {
        try await transaction { connection in
            let results = try await connection.run(
                [
                    .begin, LedgerLock.endings.shared,
                    PostgresStatement(
                        "lock_product",
                        """
                        SELECT \(Self.accountColumns) FROM products
                        WHERE id = $1::bigint AND deleted_at IS NULL FOR NO KEY UPDATE
                        """
                    ).with(.integer(movement.product.rawValue)),
                    PostgresStatement(
                        "is_ended", "SELECT 1 FROM ended_reservations WHERE reservation_id = $1"
                    ).with(.text(movement.id.description)),
                ], within: self.limit)
            guard let row = results[2].rows.first else { return .productNotFound }
            let before = try self.account(row)
            if let epoch = movement.epoch, epoch != before.epoch { return .stockReplaced }
            if !results[3].rows.isEmpty { return .reservationEnded }
            let (supplied, isBeyond) = before.supplied.addingReportingOverflow(movement.delta)
            guard !isBeyond, (before.sold...Bounds.units).contains(supplied) else { return .outOfRange }
            _ = try await connection.run(Self.movement(movement, supplied), within: self.limit)
            return .recorded(
                StockAccount(
                    product: before.product, supplied: supplied, sold: before.sold, epoch: before.epoch,
                    isDeleted: false))
        }
    }

    private static func movement(_ movement: SupplyMovement, _ supplied: Int) -> [PostgresCommand] {
        let identity = PostgresValue.text(movement.id.description)
        var commands = [
            PostgresStatement("set_supply", "UPDATE products SET supplied = $1::bigint WHERE id = $2::bigint")
                .with(PostgresValue(supplied), .integer(movement.product.rawValue)),
            PostgresStatement(
                "insert_movement",
                """
                INSERT INTO stock_movements (product_id, delta, reason, actor_id, created_at, reservation_id)
                VALUES ($1::bigint, $2::bigint, $3, (SELECT id FROM users WHERE id = $4::bigint), $5, $6)
                """
            ).with(
                .integer(movement.product.rawValue), PostgresValue(movement.delta), .text(movement.reason),
                .integer(movement.actor.rawValue), .text(movement.time.description), identity),
        ]
        guard movement.delta > 0 else { return commands }
        commands.append(
            PostgresStatement(
                "begin_supply",
                "INSERT INTO supply_under_way (reservation_id, product_id) VALUES ($1, $2::bigint)"
            ).with(identity, .integer(movement.product.rawValue)))
        return commands
    }

    private func account(_ row: PostgresRow) throws -> StockAccount {
        StockAccount(
            product: ProductID(try row.number(0)), supplied: try row.int(1), sold: try row.int(2),
            epoch: StockEpoch(origin: origin, number: try row.number(3)),
            isDeleted: try row.optional(4) != nil)
    }
}
