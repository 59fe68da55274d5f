/// What Redis holds for a product: each bucket at one moment, and all of them at the same where there is one.
public struct StockSnapshot: Sendable, Hashable {
    /// Units that can be sold, on the way between buckets too; nil when a key is missing or is not what it
    /// should be.
    public var units: Int?
    /// The fillings that the buckets name, without repetition; a bucket without one adds nothing.
    public var epochs: Set<StockEpoch> = []
    /// Whether every bucket names a filling.
    public var isNamed = true
    /// Reservations that neither a purchase nor a return has ended, with their units.
    public var open: [ReservationID: Int] = [:]
    /// Marks of reservations that ended without a sale.
    public var ended: Set<ReservationID> = []

    /// Fields among the reservations that are none: somebody else has written them. Not more than 1,000 of
    /// them.
    public var strangers: Set<String> = []

    /// A snapshot of nothing.
    public init() {}

    /// Units of open reservations.
    public var openUnits: Int { open.values.reduce(0, StockNumber.sum) }

    /// Whether the whole stock is of this one filling.
    public func isWhole(of epoch: StockEpoch) -> Bool {
        units != nil && isNamed && epochs == [epoch]
    }
}
