public import LockStrategies

/// Which purchases an administrator wants to see; what is nil does not restrict.
public struct PurchaseFilter: Sendable, Hashable {
    public var user: UserID?
    public var product: ProductID?
    /// The first moment that counts.
    public var from: Timestamp?
    /// The first moment that does not count any more.
    public var until: Timestamp?

    public init(
        user: UserID? = nil, product: ProductID? = nil, from: Timestamp? = nil, until: Timestamp? = nil
    ) {
        self.user = user
        self.product = product
        self.from = from
        self.until = until
    }
}
