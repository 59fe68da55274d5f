public import LockStrategies

/// What the record answers to administrators and to the check of tokens.
public protocol LedgerAdministration: Sendable {
    /// Nil when the user does not exist.
    func standing(of id: UserID) async throws(InventoryError) -> UserStanding?

    /// Applies all changes or none.
    ///
    /// - Returns: The user afterwards; nil when there is none.
    func changeUser(
        _ id: UserID, _ changes: [UserChange], at time: Timestamp
    ) async throws(InventoryError) -> User?

    /// Users in the order of their numbers.
    func users(_ page: Page) async throws(InventoryError) -> Listing<User>

    /// - Returns: The product afterwards; nil when there is none.
    func changeProduct(
        _ id: ProductID, _ change: ProductChange
    ) async throws(InventoryError) -> Product?

    /// The purchases of all users, newest first.
    func purchases(
        matching filter: PurchaseFilter, _ page: Page
    ) async throws(InventoryError) -> Listing<Purchase>
}
