public import LockStrategies

/// A thing on sale. The units that can still be sold live in Redis only.
public struct Product: Sendable, Hashable {
    public let id: ProductID
    /// 1 to 100 characters.
    public let name: String
    public let description: String?
    /// Whole won, at least 0.
    public let price: Int
    /// Units that were ever put on sale, and ever sold.
    public let supplied: Int
    public let sold: Int
    /// The filling of its stock that is valid.
    public let epoch: StockEpoch
    public let createdAt: Timestamp

    public init(
        id: ProductID, name: String, description: String?, price: Int, supplied: Int, sold: Int,
        epoch: StockEpoch, createdAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.price = price
        self.supplied = supplied
        self.sold = sold
        self.epoch = epoch
        self.createdAt = createdAt
    }
}

/// What the ledger needs to make a product.
public struct NewProduct: Sendable, Hashable {
    public let name: String
    public let description: String?
    public let price: Int
    public let initialStock: Int

    /// - Throws: ``InventoryError`` with `.invalidField`: the name has not 1 to 100 characters, the
    ///   description more than 10,000, the price or the stock is negative or above ``Bounds``.
    public init(
        name: String, description: String? = nil, price: Int, initialStock: Int
    ) throws(InventoryError) {
        guard (1...100).contains(name.unicodeScalars.count), !name.unicodeScalars.contains("\0") else {
            throw .invalid("name", "must have 1 to 100 characters")
        }
        if let description {
            let count = description.unicodeScalars.count
            guard count <= 10_000, !description.unicodeScalars.contains("\0") else {
                throw .invalid("description", "must have at most 10000 characters")
            }
        }
        guard (0...Bounds.price).contains(price) else {
            throw .invalid("price", "must be a whole number from 0 to \(Bounds.price)")
        }
        guard (0...Bounds.units).contains(initialStock) else {
            throw .invalid("initial_stock", "must be a whole number from 0 to \(Bounds.units)")
        }
        self.name = name
        self.description = description
        self.price = price
        self.initialStock = initialStock
    }
}

/// Upper ends of numbers. Price times units stays far inside 64 bits, and units inside the 53 bits that a
/// Lua number holds exactly.
public enum Bounds: Sendable {
    /// Won.
    public static let price = 1_000_000_000
    /// Units of one product or of one purchase.
    public static let units = 1_000_000_000
}
