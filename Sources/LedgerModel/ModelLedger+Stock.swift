package import InventoryService
package import LockStrategies

/// What supply and the reconciler ask for.
extension ModelLedger {
    package func stockAccounts(
        after last: ProductID?, limit: Int
    ) async throws(InventoryError) -> [StockAccount] {
        try await perform(.stockAccounts) { $0.stockAccounts(after: last, limit: limit) }
    }

    package func stockAccount(_ product: ProductID) async throws(InventoryError) -> StockAccount? {
        try await perform(.stockAccount) { $0.stockAccount(product) }
    }

    /// For no reservations it asks nobody.
    package func recorded(among ids: [ReservationID]) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        return try await perform(.recorded) { $0.recorded(among: ids) }
    }

    /// For no reservations it asks nobody.
    package func end(
        _ ids: [ReservationID], at time: Timestamp, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> Set<ReservationID> {
        guard !ids.isEmpty else { return [] }
        return try await perform(.end) { $0.end(ids, at: time) }
    }

    /// One call and one moment, where the SQLite ledger makes several commits, and none when nothing is old.
    package func forgetEnded(before time: Timestamp) async throws(InventoryError) {
        try await perform(.forgetEnded) { $0.forgetEnded(before: time) }
    }

    package func beginFilling(
        _ product: ProductID, above number: Int64, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> StockFilling? {
        try await perform(.beginFilling) { model throws(InventoryError) in
            try model.beginFilling(product, above: number)
        }
    }

    package func stockServers() async throws(InventoryError) -> Set<String> {
        try await perform(.stockServers) { $0.stockServers }
    }

    package func noteStockServers(
        _ runs: Set<String>, distrust: Bool, in turn: ReconcileTurn?
    ) async throws(InventoryError) {
        try await perform(.noteStockServers) { model throws(InventoryError) in
            try model.noteStockServers(runs, distrust: distrust)
        }
    }

    package func record(_ movement: SupplyMovement) async throws(InventoryError) -> SupplyOutcome {
        try await perform(.recordMovement) { model throws(InventoryError) in try model.record(movement) }
    }
}
