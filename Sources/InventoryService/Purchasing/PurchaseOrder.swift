public import LockStrategies

/// What a buyer asks for.
public struct PurchaseOrder: Sendable, Hashable {
    public let product: ProductID
    public let quantity: Int
    public let user: UserID
    /// Nil: the buyer does not ask for the same answer to a repetition.
    public let key: IdempotencyKey?

    public init(product: ProductID, quantity: Int, user: UserID, key: IdempotencyKey? = nil) {
        self.product = product
        self.quantity = quantity
        self.user = user
        self.key = key
    }
}
