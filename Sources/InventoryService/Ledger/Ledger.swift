public import LockStrategies

/// The durable record of users, products and purchases: the last word on what was sold.
///
/// Every write that has returned is on the disk. A write either happened as a whole or not at all, and an
/// error means that it did not happen and will not; only `.recordUnknown` says that nobody knows. Writes are
/// finished even when the calling task is cancelled.
public protocol Ledger: LedgerAdministration {
    func createUser(_ user: NewUser) async throws(InventoryError) -> CreateUserOutcome

    func user(_ id: UserID) async throws(InventoryError) -> User?

    /// The user of this name and the hash of the password.
    func credentials(of username: String) async throws(InventoryError) -> Credentials?

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

    /// Takes a product off sale for good; its purchases stay readable. What was reserved of it can no longer
    /// be sold.
    ///
    /// - Returns: False when there is no such product.
    func deleteProduct(_ id: ProductID, at time: Timestamp) async throws(InventoryError) -> Bool

    /// Records a sale whose units were reserved; refuses to sell more than was supplied, from a stock that
    /// was replaced, or under a reservation that was ended.
    func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome

    /// Units of the product that the user has bought in all.
    func unitsBought(by user: UserID, of product: ProductID) async throws(InventoryError) -> Int

    /// The highest fence that a purchase of the product carries.
    func highestFence(of product: ProductID) async throws(InventoryError) -> Fence?

    /// The answer that the user got under this key.
    func answer(
        to user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> StoredAnswer?

    /// Keeps a refusal as the answer to its key; an earlier answer stays. Of each user the newest
    /// ``PurchaseRefusal/mostKept`` are kept.
    func record(_ refusal: PurchaseRefusal) async throws(InventoryError)

    /// The purchases of a user, newest first.
    func purchases(of user: UserID, _ page: Page) async throws(InventoryError) -> Listing<Purchase>

    /// The name under which this ledger fills stocks.
    var origin: String { get }

    /// The other servers on this ledger; nil where one process has it to itself.
    var company: (any ServerCompany)? { get }

    /// What the ledger knows of stocks, in the order of the products' numbers: of products above `last`,
    /// deleted ones too.
    func stockAccounts(
        after last: ProductID?, limit: Int
    ) async throws(InventoryError) -> [StockAccount]

    /// What the ledger knows of one product's stock; nil when there never was such a product.
    func stockAccount(_ product: ProductID) async throws(InventoryError) -> StockAccount?

    /// The reservations that ended in a purchase or in a movement of stock.
    func recorded(among ids: [ReservationID]) async throws(InventoryError) -> Set<ReservationID>

    /// Marks reservations as ended without a sale, so that none of them can be sold from now on.
    ///
    /// - Parameter turn: That of the comparison, where several servers have this ledger: `.leaseLost` when it
    ///   has ended, and nothing is written then.
    /// - Returns: Those that were recorded before; they are not marked.
    func end(
        _ ids: [ReservationID], at time: Timestamp, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> Set<ReservationID>

    /// Forgets marks of ended reservations, and refusals, that are older than `time`.
    func forgetEnded(before time: Timestamp) async throws(InventoryError)

    /// Begins a new filling of a product's stock: what was reserved before can no longer be sold.
    ///
    /// - Parameters:
    ///   - number: The new epoch's number is above this one.
    ///   - turn: As in ``end(_:at:in:)``.
    /// - Returns: The new epoch and the units that it starts with; nil for a product that is not on sale.
    func beginFilling(
        _ product: ProductID, above number: Int64, in turn: ReconcileTurn?
    ) async throws(InventoryError) -> StockFilling?

    /// The run ids of the Redis servers that held the stock last.
    func stockServers() async throws(InventoryError) -> Set<String>

    /// Notes the Redis servers that hold the stock now.
    ///
    /// - Parameters:
    ///   - distrust: Their content may be older than the ledger: what was reserved of any product until now
    ///     can no longer be sold.
    ///   - turn: As in ``end(_:at:in:)``.
    func noteStockServers(
        _ runs: Set<String>, distrust: Bool, in turn: ReconcileTurn?
    ) async throws(InventoryError)

    /// Records a change of a product's supply.
    func record(_ movement: SupplyMovement) async throws(InventoryError) -> SupplyOutcome

    /// Proves that the record can be read and that what it writes is durable.
    func check() async throws(InventoryError)

    /// Finishes the writes that wait and lets go of the files.
    func close() async
}

extension Ledger {
    /// As ``end(_:at:in:)``, by a program that has the ledger to itself.
    package func end(
        _ ids: [ReservationID], at time: Timestamp
    ) async throws(InventoryError) -> Set<ReservationID> {
        try await end(ids, at: time, in: nil)
    }

    /// As ``beginFilling(_:above:in:)``, by a program that has the ledger to itself.
    package func beginFilling(
        _ product: ProductID, above number: Int64
    ) async throws(InventoryError) -> StockFilling? {
        try await beginFilling(product, above: number, in: nil)
    }

    /// As ``noteStockServers(_:distrust:in:)``, by a program that has the ledger to itself.
    package func noteStockServers(_ runs: Set<String>, distrust: Bool) async throws(InventoryError) {
        try await noteStockServers(runs, distrust: distrust, in: nil)
    }
}
