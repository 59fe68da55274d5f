/// What was decided about a reservation, and the epoch of the stock of which it was decided.
struct TakenUnits: Sendable, Equatable {
    let decision: ReserveOutcome.Decision
    let epoch: StockEpoch?
}

extension TakenUnits {
    /// Units that were reserved under a lease.
    ///
    /// - Parameters:
    ///   - remaining: The stock after it.
    ///   - epoch: As Redis names the stock.
    init(_ remaining: Int, under lease: Lease, in epoch: String) {
        self.init(
            decision: .reserved(remaining: remaining, fence: lease.fence), epoch: StockEpoch(epoch))
    }
}
