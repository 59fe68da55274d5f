/// The name of a lock.
public struct LockKey: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// A lock of any name. Two names that differ are two locks.
    public init(_ name: String) {
        description = name
    }
}

/// Names of everything that Redis holds for one product.
///
/// The braces are Cluster hash tags: all keys of a product live in one slot, so one script may use them.
public struct ProductKeys: Sendable, Hashable {
    /// String, a whole number: units that can still be sold.
    public let stock: String
    /// Hash: open reservations, id → units.
    public let reservations: String
    /// String, the token of the holder.
    public let lock: LockKey

    public init(_ product: ProductID) {
        stock = "stock:{\(product)}"
        reservations = "reservations:{\(product)}"
        lock = LockKey("lock:stock:{\(product)}")
    }
}
