import RedisClient
import Synchronization

/// Watch the stock, read it, and write only if nobody else did: else try again after a jittered pause.
///
/// There is no lock and no lease: a stalled client's write is refused by Redis when another buyer came
/// between. One of those who collide always wins, so the stock moves; who loses pays the round trips again,
/// which is why it falls back under contention. What breaks it: a Redis that loses acknowledged writes. Two
/// round trips per attempt, on a connection that nobody else uses meanwhile. Source: redis.io, "Transactions"
/// (optimistic locking using check-and-set); Kung, Robinson, "On optimistic methods for concurrency control",
/// 1981.
public struct Optimistic<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let redis: Redis
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - clock: Tells how long a step took.
    ///   - random: Spreads the pauses.
    ///   - retry: When a buyer who was overtaken asks again.
    public init(redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy) {
        self.redis = redis
        self.clock = clock
        self.random = random
        self.retry = retry
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        var evidence = Evidence()
        var schedule = RetrySchedule(policy: retry, deadline: reservation.deadline)
        let began = clock.now
        var asked = began
        do throws(StrategyError) {
            while true {
                evidence.attempts += 1
                asked = clock.now
                let taken = try await attempt(reservation, &evidence)
                // Held: the attempt that decided. The others, and the pauses, were waiting.
                evidence.held = asked.duration(to: clock.now)
                evidence.waited = began.duration(to: asked)
                if let taken {
                    return ReserveOutcome(taken.decision, evidence: evidence, epoch: taken.epoch)
                }
                switch schedule.attemptFailed(now: clock.now, random: random) {
                case .giveUp: return ReserveOutcome(.contended, evidence: evidence)
                case .retry(let pause): try await clock.pause(pause, before: "the next attempt")
                }
            }
        } catch {
            evidence.held = asked.duration(to: clock.now)
            evidence.waited = began.duration(to: asked)
            throw error.adding(evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await StockSection(redis: redis).cancel(id, of: product)
    }

    private enum Reading: Sendable {
        case settled(TakenUnits)
        case ended
        case missing
        case invalid
        case cancelled
    }

    /// What the caller and the decision, which runs in another task, tell each other.
    private final class Attempt: Sendable {
        private struct State: Sendable {
            var isCancelled = false
            var epoch: StockEpoch?
            var closingCommands = 0
        }

        private let state = Mutex(State())

        /// The caller has gone.
        var isCancelled: Bool { state.withLock(\.isCancelled) }

        /// Epoch of the stock that was read last.
        var epoch: StockEpoch? { state.withLock(\.epoch) }

        /// Commands that ended the transaction: UNWATCH; or MULTI, the writes and EXEC.
        var closingCommands: Int { state.withLock(\.closingCommands) }

        func noteEnd(_ step: RedisTransactionStep<Reading>) {
            state.withLock { state in
                state.closingCommands =
                    switch step {
                    case .abandon: 1
                    case .commit(let writes): writes.count + 2
                    }
            }
        }

        func cancel() { state.withLock { $0.isCancelled = true } }

        func noteEpoch(_ epoch: StockEpoch?) { state.withLock { $0.epoch = epoch } }
    }

    /// One try: what was decided, or nil when another buyer came between.
    private func attempt(
        _ reservation: Reservation, _ evidence: inout Evidence
    ) async throws(StrategyError) -> TakenUnits? {
        let keys = ProductKeys(reservation.product)
        let id = reservation.id.description
        guard !Task.isCancelled else {
            throw StrategyError(.cancelled, "cancelled before the attempt; nothing was taken")
        }
        let reads = [
            RedisCommand("MGET", keys.stock, keys.epoch, keys.ended(reservation.id)),
            RedisCommand("HGET", keys.reservations, id),
        ]
        // Once begun it is waited for: a return goes over another connection and could be carried out before
        // a commit that is under way, which would then take the units for nobody.
        let caller = Attempt()
        let result = await withTaskCancellationHandler {
            await uncancelled { [redis] in
                do throws(RedisError) {
                    // Every reservation, return and filling changes the stock, so watching the stock is
                    // enough.
                    return Result<RedisTransactionOutcome<Reading>, RedisError>.success(
                        try await redis.transaction(
                            watching: [keys.stock], reading: reads
                        ) { replies in
                            let step =
                                caller.isCancelled
                                ? .abandon(.cancelled) : Self.step(replies, reservation, keys, caller)
                            caller.noteEnd(step)
                            return step
                        })
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            caller.cancel()
        }
        let outcome: RedisTransactionOutcome<Reading>
        do throws(RedisError) {
            outcome = try result.get()
            // WATCH stands before the reads.
            evidence.commandsSent += 1 + reads.count + caller.closingCommands
        } catch {
            evidence.commandsSent += error.commandsSent
            throw StrategyError(error, during: "reserving product \(reservation.product)")
        }
        return try Self.meaning(of: outcome, for: reservation, caller)
    }

    /// What a transaction came to; nil when another buyer came between.
    private static func meaning(
        of outcome: RedisTransactionOutcome<Reading>, for reservation: Reservation, _ caller: Attempt
    ) throws(StrategyError) -> TakenUnits? {
        switch outcome {
        case .abandoned(.cancelled):
            throw StrategyError(.cancelled, "cancelled before the commit; nothing was taken")
        case .abandoned(.settled(let taken)):
            return taken
        case .abandoned(.ended):
            throw .reservationEnded(reservation.product)
        case .abandoned(.missing):
            throw .notStocked(reservation.product)
        case .abandoned(.invalid):
            throw .invalidStock(reservation.product)
        case .conflict:
            return nil
        case .committed(let replies):
            guard let stock = replies.first?.integer else {
                throw StrategyError(.outcomeUnknown, "EXEC answered \(replies)")
            }
            return TakenUnits(
                decision: .reserved(remaining: Int(stock), fence: nil), epoch: caller.epoch)
        }
    }

    /// What the read values ask for.
    private static func step(
        _ replies: [RESPValue], _ reservation: Reservation, _ keys: ProductKeys, _ caller: Attempt
    ) -> RedisTransactionStep<Reading> {
        guard replies.count == 2, let values = replies[0].array, values.count == 3 else {
            return .abandon(.invalid)
        }
        let epoch = values[1].string.flatMap { StockEpoch($0) }
        caller.noteEpoch(epoch)
        switch replies[1].string.flatMap({ ReservationRecord($0) }) {
        case .open(_, let stockAfter):
            return .abandon(
                .settled(TakenUnits(decision: .reserved(remaining: stockAfter, fence: nil), epoch: epoch)))
        case .ended: return .abandon(.ended)
        case nil: break
        }
        guard case .null = values[2] else { return .abandon(.ended) }
        if case .null = values[0] { return .abandon(.missing) }
        guard let stock = values[0].stockNumber else { return .abandon(.invalid) }
        guard stock >= reservation.quantity else {
            return .abandon(
                .settled(TakenUnits(decision: .soldOut(remaining: stock), epoch: epoch)))
        }
        let record = ReservationRecord.open(
            units: reservation.quantity, stockAfter: stock - reservation.quantity)
        return .commit([
            RedisCommand("DECRBY", keys.stock, String(reservation.quantity)),
            RedisCommand("HSET", keys.reservations, reservation.id.description, record.description),
        ])
    }
}

extension StrategyEntry {
    /// The strategy `optimistic`: see ``Optimistic``.
    public static let optimistic = StrategyEntry(
        "optimistic",
        traits: StrategyTraits(
            summary:
                "no lock: WATCH, read, and write only if nobody else did; else again after a jittered pause",
            criticalSection: "GET, then MULTI/EXEC if the stock is unchanged",
            abilities: [.transactions, .stallSafety],
            retry: RetryPolicy(
                delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(50)))),
        factory: OptimisticFactory())
}

private struct OptimisticFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(
            Optimistic(
                redis: parts.stock, clock: parts.clock, random: parts.random, retry: parts.retry))
    }
}
