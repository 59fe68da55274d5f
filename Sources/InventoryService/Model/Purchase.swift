public import LockStrategies

/// The number of a purchase in the ledger.
public struct PurchaseID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }
}

/// A row of the ledger: units that were sold, for good.
public struct Purchase: Sendable, Hashable {
    public let id: PurchaseID
    public let user: UserID
    public let product: ProductID
    /// Units, at least 1.
    public let quantity: Int
    /// Whole won: the price at the moment of the purchase times the units.
    public let totalPrice: Int
    public let purchasedAt: Timestamp

    public init(
        id: PurchaseID, user: UserID, product: ProductID, quantity: Int, totalPrice: Int,
        purchasedAt: Timestamp
    ) {
        self.id = id
        self.user = user
        self.product = product
        self.quantity = quantity
        self.totalPrice = totalPrice
        self.purchasedAt = purchasedAt
    }
}

/// What the ledger needs to record a purchase whose units are reserved.
public struct Sale: Sendable, Hashable {
    public let reservation: ReservationID
    public let user: UserID
    public let product: ProductID
    public let quantity: Int
    public let idempotencyKey: IdempotencyKey?
    /// The id of the strategy that reserved the units.
    public let strategy: String
    public let fence: Fence?
    /// Epoch of the stock from which the units were reserved; nil where nothing was reserved.
    public let epoch: StockEpoch?
    /// Units of the product that the user may have in all; nil: any number.
    public let limit: Int?
    public let purchasedAt: Timestamp

    public init(
        reservation: ReservationID, user: UserID, product: ProductID, quantity: Int,
        idempotencyKey: IdempotencyKey?, strategy: String, fence: Fence?, epoch: StockEpoch? = nil,
        limit: Int? = nil, purchasedAt: Timestamp
    ) {
        self.reservation = reservation
        self.user = user
        self.product = product
        self.quantity = quantity
        self.idempotencyKey = idempotencyKey
        self.strategy = strategy
        self.fence = fence
        self.epoch = epoch
        self.limit = limit
        self.purchasedAt = purchasedAt
    }
}

public enum RecordOutcome: Sendable, Equatable {
    case recorded(Purchase)
    /// More units would be sold than were ever supplied: the lock strategy let too many buyers in.
    case oversellRefused
    /// The user would have more units of the product than the sale's limit; nothing was written.
    case limitReached
    case productNotFound
    /// The units were reserved from a stock that has been replaced since; nothing was written.
    case stockReplaced
    /// The reservation was ended before; nothing was written.
    case reservationEnded
    /// The user has a purchase under this idempotency key; nothing was written.
    case alreadyRecorded(Purchase)
}

/// A name that a client gives to one purchase, so that sending it again does not buy again.
public struct IdempotencyKey: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// - Throws: ``InventoryError`` with `.invalidField` unless the text has 1 to 255 visible ASCII
    ///   characters.
    public init(_ text: String) throws(InventoryError) {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .invalid("Idempotency-Key", "must have 1 to 255 visible ASCII characters")
        }
        description = text
    }
}
