public import LockStrategies

/// The durable record of users, products and purchases: the last word on what was sold.
///
/// Every write that has returned is on the disk. A write either happened as a whole or not at all, and an
/// error means that it did not happen. Writes are finished even when the calling task is cancelled.
public protocol Ledger: Sendable {
    func createUser(_ user: NewUser) async throws(InventoryError) -> CreateUserOutcome

    func user(_ id: UserID) async throws(InventoryError) -> User?

    /// The user of this name and the hash of the password.
    func credentials(of username: String) async throws(InventoryError) -> (user: User, hash: PasswordHash)?

    /// Records a product and, as its first movement, the units that it starts with.
    func createProduct(
        _ product: NewProduct, actor: UserID, at time: Timestamp
    ) async throws(InventoryError) -> Product

    /// Takes back a product that was never on sale.
    ///
    /// - Returns: False when purchases refer to it; it stays then.
    func withdrawProduct(_ id: ProductID) async throws(InventoryError) -> Bool

    func product(_ id: ProductID) async throws(InventoryError) -> Product?

    /// Products in the order of their numbers.
    func products(_ page: Page) async throws(InventoryError) -> Listing<Product>

    /// Records a sale whose units were reserved; refuses to sell more than was supplied.
    func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome

    /// The highest fence that a purchase of the product carries.
    func highestFence(of product: ProductID) async throws(InventoryError) -> Fence?

    /// The purchase that the user made under this key.
    func purchase(
        of user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> Purchase?

    /// The purchases of a user, newest first.
    func purchases(of user: UserID, _ page: Page) async throws(InventoryError) -> Listing<Purchase>

    /// Proves that the record can be read and that what it writes is durable.
    func check() async throws(InventoryError)

    /// Finishes the writes that wait and lets go of the files.
    func close() async
}
