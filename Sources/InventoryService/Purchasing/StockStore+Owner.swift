public import LockStrategies
import RedisClient

/// Whose stock a Redis holds. Each ledger has a name, its origin, and a Redis holds the stock of one ledger:
/// two would fill each other's products in turn.
extension StockStore {
    private static var ownerKey: String { "stock:{owner}" }

    /// Notes that this Redis holds the stock of a ledger, unless it holds another one's.
    ///
    /// - Parameter products: Looked at where no owner is noted, as by older versions: their fillings name the
    ///   ledger too.
    /// - Returns: The origin of the other ledger; nil: the Redis is this one's. One round trip, or three and
    ///   one for each product.
    public func claim(
        for origin: String, lookingAt products: [ProductID] = []
    ) async throws(InventoryError) -> String? {
        if let owner = try await owner() { return owner == origin ? nil : owner }
        for product in products {
            let epochs = try await snapshot(product).epochs
            if let other = epochs.first(where: { !$0.origin.isEmpty && $0.origin != origin }) {
                return other.origin
            }
        }
        _ = try await asking("noting the owner of the stock") { () throws(RedisError) in
            try await redis.send(RedisCommand("SET", Self.ownerKey, origin, "NX"))
        }
        let owner = try await owner()
        return owner == origin ? nil : owner
    }

    /// Makes this Redis the one of a ledger, whoever's it was. A server that sells the other ledger's
    /// products from it finds out at its next comparison, and stops.
    public func adopt(for origin: String) async throws(InventoryError) {
        _ = try await asking("noting the owner of the stock") { () throws(RedisError) in
            try await redis.send(RedisCommand("SET", Self.ownerKey, origin))
        }
    }

    /// The origin of the ledger whose stock this Redis holds; nil: none is noted. One round trip.
    public func owner() async throws(InventoryError) -> String? {
        try await asking("asking whose stock this is") { () throws(RedisError) in
            try await redis.send(RedisCommand("GET", Self.ownerKey)).string
        }
    }

    /// Forgets what other ledgers left under the number of a product.
    ///
    /// - Returns: Whether there was anything.
    func removeForeign(_ product: ProductID, _ origin: String) async throws(InventoryError) -> Bool {
        let others = Set(try await snapshot(product).epochs.map(\.origin)).subtracting([origin, ""])
        for other in others { _ = try await drop(product, origin: other) }
        return !others.isEmpty
    }
}
