public import LockStrategies

/// What the ledger knows of a product's stock.
public struct StockAccount: Sendable, Hashable {
    public let product: ProductID
    /// Units that were ever put on sale, and ever sold.
    public let supplied: Int
    public let sold: Int
    /// The filling of the stock that is valid.
    public let epoch: StockEpoch
    public let isDeleted: Bool

    public init(product: ProductID, supplied: Int, sold: Int, epoch: StockEpoch, isDeleted: Bool) {
        self.product = product
        self.supplied = supplied
        self.sold = sold
        self.epoch = epoch
        self.isDeleted = isDeleted
    }
}

/// A filling that the ledger has begun: its name, and the units with which it starts.
public struct StockFilling: Sendable, Hashable {
    public let epoch: StockEpoch
    public let units: Int

    public init(epoch: StockEpoch, units: Int) {
        self.epoch = epoch
        self.units = units
    }
}

/// A change of a product's supply: units that come, or go without a sale.
public struct SupplyMovement: Sendable, Hashable {
    public static let reasonLength = 1...200

    /// Identity through ledger and Redis: an unfinished movement is found by it.
    public let id: ReservationID
    public let product: ProductID
    /// Units; not 0.
    public let delta: Int
    public let reason: String
    public let actor: UserID
    /// Epoch of the stock from which the units were reserved; nil for units that come.
    public let epoch: StockEpoch?
    public let time: Timestamp

    public init(
        id: ReservationID, product: ProductID, delta: Int, reason: String, actor: UserID, epoch: StockEpoch?,
        time: Timestamp
    ) {
        self.id = id
        self.product = product
        self.delta = delta
        self.reason = reason
        self.actor = actor
        self.epoch = epoch
        self.time = time
    }
}

public enum SupplyOutcome: Sendable, Hashable {
    /// On the disk; the account after it.
    case recorded(StockAccount)
    case productNotFound
    /// The supply would fall below what was sold, or rise above what the lab can count.
    case outOfRange
    /// As ``RecordOutcome/stockReplaced``.
    case stockReplaced
    /// As ``RecordOutcome/reservationEnded``.
    case reservationEnded
}
