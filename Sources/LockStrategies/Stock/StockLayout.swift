/// Where a strategy keeps the units of a product that can still be sold.
public enum StockLayout: Sendable, Hashable {
    /// In one Redis key.
    case oneKey
    /// In so many Redis keys, which a Cluster spreads over its nodes. Bucket 0 is the one key of ``oneKey``.
    case buckets(Int)
    /// Not in Redis: what was supplied less what was sold, in the ledger.
    case ledger

    /// How many keys in Redis hold a product's units.
    public var bucketCount: Int {
        switch self {
        case .oneKey: 1
        case .buckets(let count): count
        case .ledger: 0
        }
    }
}
