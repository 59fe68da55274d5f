import RedisClient
import Synchronization

/// Watch the stock, read it, and write only if nobody else did: else try again after a jittered pause.
///
/// There is no lock and no lease: a stalled client's write is refused by Redis when another buyer came between.
/// One of those who collide always wins, so the stock moves; who loses pays the round trips again, which is why
/// it falls back under contention. What breaks it: a Redis that loses acknowledged writes. Two round trips per
/// attempt, on a connection that nobody else uses meanwhile. Source: redis.io, "Transactions" (optimistic
/// locking using check-and-set); Kung, Robinson, "On optimistic methods for concurrency control", 1981.
public struct Optimistic<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let redis: Redis
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy

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
                let decision = try await attempt(reservation, &evidence)
                // Held: the attempt that decided. The others, and the pauses, were waiting.
                evidence.held = asked.duration(to: clock.now)
                evidence.waited = began.duration(to: asked)
                if let decision { return ReserveOutcome(decision, evidence: evidence) }
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
        case settled(ReserveOutcome.Decision)
        case missing
        case invalid
        case cancelled
    }

    /// Tells the decision, which runs in another task, that the caller has gone.
    private final class Cancellation: Sendable {
        private let flag = Atomic(false)

        var isCancelled: Bool { flag.load(ordering: .acquiring) }

        func cancel() { flag.store(true, ordering: .releasing) }
    }

    /// One try: what was decided, or nil when another buyer came between.
    private func attempt(
        _ reservation: Reservation, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReserveOutcome.Decision? {
        let keys = ProductKeys(reservation.product)
        let id = reservation.id.description
        guard !Task.isCancelled else {
            throw StrategyError(.cancelled, "cancelled before the attempt; nothing was taken")
        }
        // WATCH, GET, HGET; then UNWATCH, or MULTI, DECRBY, HSET, EXEC.
        evidence.commandsSent += 3
        // Once begun it is waited for: a return goes over another connection and could be carried out before a
        // commit that is under way, which would then take the units for nobody.
        let caller = Cancellation()
        let result = await withTaskCancellationHandler {
            await uncancelled { [redis] in
                do throws(RedisError) {
                    // Every reservation changes the stock, so watching the stock is enough.
                    return Result<RedisTransactionOutcome<Reading>, RedisError>.success(
                        try await redis.transaction(
                            watching: [keys.stock],
                            reading: [
                                RedisCommand("GET", keys.stock), RedisCommand("HGET", keys.reservations, id),
                            ]
                        ) { replies in
                            caller.isCancelled
                                ? .abandon(.cancelled) : Self.step(replies, reservation, keys)
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
        } catch {
            throw StrategyError(error, during: "reserving product \(reservation.product)")
        }
        switch outcome {
        case .abandoned(.cancelled):
            evidence.commandsSent += 1
            throw StrategyError(.cancelled, "cancelled before the commit; nothing was taken")
        case .abandoned(.settled(let decision)):
            evidence.commandsSent += 1
            return decision
        case .abandoned(.missing):
            evidence.commandsSent += 1
            throw .notStocked(reservation.product)
        case .abandoned(.invalid):
            evidence.commandsSent += 1
            throw .invalidStock(reservation.product)
        case .conflict:
            evidence.commandsSent += 4
            return nil
        case .committed(let replies):
            evidence.commandsSent += 4
            guard let stock = replies.first?.integer else {
                throw StrategyError(.outcomeUnknown, "EXEC answered \(replies)")
            }
            return .reserved(remaining: Int(stock), fence: nil)
        }
    }

    /// What the read values ask for.
    private static func step(
        _ replies: [RESPValue], _ reservation: Reservation, _ keys: ProductKeys
    ) -> RedisTransactionStep<Reading> {
        guard replies.count == 2 else { return .abandon(.invalid) }
        if let before = replies[1].string.flatMap({ ReservationRecord($0) }) {
            return .abandon(.settled(.reserved(remaining: before.stockAfter, fence: nil)))
        }
        if case .null = replies[0] { return .abandon(.missing) }
        guard let stock = replies[0].integer else { return .abandon(.invalid) }
        guard stock >= reservation.quantity else {
            return .abandon(.settled(.soldOut(remaining: Int(stock))))
        }
        let record = ReservationRecord(
            units: reservation.quantity, stockAfter: Int(stock) - reservation.quantity)
        return .commit([
            RedisCommand("DECRBY", keys.stock, String(reservation.quantity)),
            RedisCommand("HSET", keys.reservations, reservation.id.description, record.description),
        ])
    }
}

extension StrategyTraits {
    static let optimistic = StrategyTraits(
        summary: "no lock: WATCH, read, and write only if nobody else did; else again after a jittered pause",
        criticalSection: "GET, then MULTI/EXEC if the stock is unchanged", abilities: [.stallSafety],
        retry: RetryPolicy(
            delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(50))))
}
