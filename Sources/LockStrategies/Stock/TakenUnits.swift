/// What was decided about a reservation, and the epoch of the stock of which it was decided.
struct TakenUnits: Sendable, Equatable {
    let decision: ReserveOutcome.Decision
    let epoch: StockEpoch?
}
