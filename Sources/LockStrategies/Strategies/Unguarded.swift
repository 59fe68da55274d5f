/// The negative control: read the stock, decide, write it back, without any lock.
///
/// Oversells as soon as two buyers read before either has written; an audit that does not catch it is worth
/// nothing. Two round trips. Never use it to sell anything.
public struct Unguarded<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let section: StockSection<Redis>
    private let clock: C

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - clock: Tells how long a step took.
    public init(redis: Redis, clock: C) {
        section = StockSection(redis: redis)
        self.clock = clock
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let began = clock.now
        var evidence = Evidence(attempts: 1)
        do throws(StrategyError) {
            let taken: TakenUnits
            switch try await section.decide(reservation, &evidence) {
            case .soldOut(let remaining):
                taken = TakenUnits(decision: .soldOut(remaining: remaining), epoch: nil)
            case .reservedBefore(let remaining, let epoch):
                taken = TakenUnits(
                    decision: .reserved(remaining: remaining, fence: nil), epoch: StockEpoch(epoch))
            case .write(let newStock, let epoch):
                let write = section.writing(newStock, epoch: epoch, for: reservation, fence: nil)
                let reply = try await section.send(write, for: reservation.product, &evidence)
                let remaining = try section.stock(of: reservation.product, after: reply, &evidence)
                taken = TakenUnits(
                    decision: .reserved(remaining: remaining, fence: nil), epoch: StockEpoch(epoch))
            }
            evidence.held = began.duration(to: clock.now)
            return ReserveOutcome(taken.decision, evidence: evidence, epoch: taken.epoch)
        } catch {
            evidence.held = began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await section.cancel(id, of: product)
    }
}

extension StrategyEntry {
    /// The strategy `unguarded`: see ``Unguarded``.
    public static let unguarded = StrategyEntry(
        "unguarded",
        traits: StrategyTraits(
            summary: "reads the stock, then writes it, without a lock: must be caught overselling",
            criticalSection: "GET, then write: no lock around them", isNegativeControl: true),
        factory: UnguardedFactory())
}

private struct UnguardedFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(Unguarded(redis: parts.stock, clock: parts.clock))
    }
}
