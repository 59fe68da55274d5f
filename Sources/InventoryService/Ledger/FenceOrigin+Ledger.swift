public import LockStrategies

extension FenceOrigin {
    /// Numbering goes on above what the purchases in the ledger carry.
    public static func ledger(_ store: some Ledger) -> FenceOrigin {
        FenceOrigin { lock throws(StrategyError) in
            guard let product = ProductKeys.product(of: lock) else { return nil }
            do throws(InventoryError) {
                return try await store.highestFence(of: product)
            } catch {
                throw StrategyError(
                    .unavailable, "the ledger does not say the last number of \(lock): \(error.context)")
            }
        }
    }
}
