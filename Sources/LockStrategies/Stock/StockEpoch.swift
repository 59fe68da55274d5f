/// Which filling of a product's stock Redis holds: who filled it, and the number of the filling.
///
/// Redis keeps it beside the stock and every reservation carries it, so whoever records a sale can tell units
/// of the stock as it is from units of one that was lost or replaced.
public struct StockEpoch: Sendable, Hashable, CustomStringConvertible {
    /// Who fills: one ledger.
    public let origin: String
    /// Rises with each filling of the product.
    public let number: Int64

    /// Each parameter is the property of that name.
    public init(origin: String, number: Int64) {
        self.origin = origin
        self.number = number
    }

    /// Far above what fillings reach. The numbers of moves between buckets are its multiples and must stay
    /// exact in Lua.
    private static let numbers: ClosedRange<Int64> = 0...8_589_934_591

    /// As Redis keeps it; nil for a text that names no filling.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let number = Int64(text[text.index(after: colon)...]),
            Self.numbers.contains(number)
        else { return nil }
        self.init(origin: String(text[..<colon]), number: number)
    }

    public var description: String { "\(origin):\(number)" }
}
