/// Where a strategy keeps the units of a product that can still be sold.
public enum StockLayout: Sendable, Hashable {
    /// In one Redis key.
    case oneKey
}
