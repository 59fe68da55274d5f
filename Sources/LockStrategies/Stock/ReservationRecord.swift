/// What Redis keeps under a reservation's id: `units:stock after` while it is open, `ended:` once it ended
/// without a sale.
enum ReservationRecord: Sendable, Hashable, CustomStringConvertible {
    /// `stockAfter` is the first answer, for a repeated id.
    case open(units: Int, stockAfter: Int)
    /// It refuses a reservation that comes after its return.
    case ended

    /// Nil for a text that is no record.
    init?(_ text: String) {
        if text == "ended:" {
            self = .ended
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let units = StockNumber.read(parts[0]), units >= 0,
            let stock = StockNumber.read(parts[1])
        else { return nil }
        self = .open(units: units, stockAfter: stock)
    }

    var description: String {
        switch self {
        case .open(let units, let stockAfter): "\(units):\(stockAfter)"
        case .ended: "ended:"
        }
    }
}
