/// A buyer's claim on some units of one product, on its way from the stock to a purchase.
public struct Reservation: Sendable, Hashable {
    /// Identity through the whole purchase: the Redis record and the row in the ledger carry it.
    public let id: ReservationID
    /// What is bought.
    public let product: ProductID
    /// Units, at least 1.
    public let quantity: Int
    /// When the buyer stops waiting for the lock.
    public let deadline: ContinuousClock.Instant

    /// Each parameter is the property of that name.
    public init(id: ReservationID, product: ProductID, quantity: Int, deadline: ContinuousClock.Instant) {
        self.id = id
        self.product = product
        self.quantity = quantity
        self.deadline = deadline
    }
}

/// 128 bits that no other reservation has, printed as 32 hexadecimal digits.
public struct ReservationID: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// An identifier of chance alone.
    public init(random: RandomSource) {
        self.init(random.next(), random.next())
    }

    /// - Parameters:
    ///   - high: The first 16 digits.
    ///   - low: The last 16 digits.
    package init(_ high: UInt64, _ low: UInt64) {
        description = RandomSource.hexadecimal(high, low)
    }

    /// An identifier that was stored before; nil for a text that cannot be one: 1 to 64 visible ASCII
    /// characters.
    public init?(stored: String) {
        guard (1...64).contains(stored.utf8.count), stored.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        description = stored
    }
}

/// The number of a product in the ledger.
public struct ProductID: Sendable, Hashable, CustomStringConvertible {
    /// The number.
    public let rawValue: Int64

    /// The product of this number.
    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }
}
