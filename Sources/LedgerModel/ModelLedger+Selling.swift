package import InventoryService
package import LockStrategies

/// What purchases and their answers ask for.
extension ModelLedger {
    package func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        try await perform(.recordSale) { model throws(InventoryError) in try model.record(sale) }
    }

    package func unitsBought(by user: UserID, of product: ProductID) async throws(InventoryError) -> Int {
        try await perform(.unitsBought) { $0.unitsBought(by: user, of: product) }
    }

    package func highestFence(of product: ProductID) async throws(InventoryError) -> Fence? {
        try await perform(.highestFence) { $0.highestFence(of: product) }
    }

    package func answer(
        to user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> StoredAnswer? {
        try await perform(.answer) { $0.answer(to: user, under: key) }
    }

    package func record(_ refusal: PurchaseRefusal) async throws(InventoryError) {
        try await perform(.recordRefusal) { model throws(InventoryError) in try model.record(refusal) }
    }

    package func purchases(
        of user: UserID, _ page: Page
    ) async throws(InventoryError) -> Listing<Purchase> {
        try await perform(.purchasesOfUser) { $0.purchases(of: user, page) }
    }

    package func purchases(
        matching filter: PurchaseFilter, _ page: Page
    ) async throws(InventoryError) -> Listing<Purchase> {
        try await perform(.purchases) { $0.purchases(matching: filter, page) }
    }
}
