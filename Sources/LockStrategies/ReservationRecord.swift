/// What Redis keeps of an open reservation: `units:stock after`.
struct ReservationRecord: Sendable, Hashable, CustomStringConvertible {
    let units: Int
    /// The first answer, for a repeated id.
    let stockAfter: Int

    init(units: Int, stockAfter: Int) {
        self.units = units
        self.stockAfter = stockAfter
    }

    /// Nil for a text that is no record.
    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let units = Int(parts[0]), let stock = Int(parts[1]) else { return nil }
        self.init(units: units, stockAfter: stock)
    }

    var description: String { "\(units):\(stockAfter)" }
}
