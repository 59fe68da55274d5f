public import LockStrategies

/// A refusal that an idempotency key names: the answer that the key gets from then on.
public struct PurchaseRefusal: Sendable, Hashable {
    /// Refusals that are final. A lock that was not obtained, or a server out of reach, is no answer: the
    /// same key may be tried again.
    public enum Outcome: String, Sendable, CaseIterable {
        case soldOut = "sold-out"
        case oversellRefused = "oversell-refused"
        case productNotFound = "product-not-found"
    }

    /// Refusals of one user that are kept, the newest.
    public static let mostKept = 1000

    public let user: UserID
    public let key: IdempotencyKey
    public let product: ProductID
    public let quantity: Int
    public let outcome: Outcome
    public let refusedAt: Timestamp

    public init(
        user: UserID, key: IdempotencyKey, product: ProductID, quantity: Int, outcome: Outcome,
        refusedAt: Timestamp
    ) {
        self.user = user
        self.key = key
        self.product = product
        self.quantity = quantity
        self.outcome = outcome
        self.refusedAt = refusedAt
    }
}

/// What the ledger keeps under an idempotency key.
public enum StoredAnswer: Sendable, Hashable {
    case purchase(Purchase)
    case refusal(PurchaseRefusal)
}
