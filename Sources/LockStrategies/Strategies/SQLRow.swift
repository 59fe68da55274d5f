/// No Redis in a purchase: the transaction that records the purchase takes the units from the product's row,
/// if it has them.
///
/// The baseline: is Redis needed at all? Nothing is reserved, so nothing has to be returned or reconciled,
/// and stock and record cannot disagree. What breaks it: nothing short of losing the database. What it costs:
/// every refusal is a transaction too, and the one writer of the database is the limit. No round trip.
public struct SQLRow: LockStrategy {
    /// It asks no Redis, so it is made of nothing.
    public init() {}

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        guard !Task.isCancelled else {
            throw StrategyError(.cancelled, "cancelled before the purchase; nothing was taken")
        }
        return ReserveOutcome(.leftToLedger, evidence: Evidence(attempts: 1))
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int { 0 }
}

extension StrategyEntry {
    /// The strategy `sql-row`: see ``SQLRow``.
    public static let sqlRow = StrategyEntry(
        "sql-row",
        traits: StrategyTraits(
            summary: "no Redis: one conditional UPDATE inside the transaction that records the purchase",
            criticalSection: "the purchase's own SQL transaction", abilities: [.stallSafety],
            stockLayout: .ledger),
        factory: SQLRowFactory())
}

private struct SQLRowFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(SQLRow())
    }
}
