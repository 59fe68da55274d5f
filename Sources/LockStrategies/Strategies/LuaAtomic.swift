import RedisClient

/// Check, decrement and record in one script, which Redis runs alone.
///
/// There is no lock and no lease, so a stalled client harms nobody, and a repeated reservation id gets its
/// first answer while the reservation is open. What breaks it: a Redis that loses acknowledged writes. One
/// round trip, whatever the contention. Source: redis.io, "Scripting with Lua" (atomicity of scripts).
public struct LuaAtomic<Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let redis: Redis
    private let clock: C

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - clock: Tells how long a step took.
    public init(redis: Redis, clock: C) {
        self.redis = redis
        self.clock = clock
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let keys = ProductKeys(reservation.product)
        let began = clock.now
        var evidence = Evidence(attempts: 1)
        do throws(StrategyError) {
            let reply: RESPValue
            do throws(RedisError) {
                reply = try await redis.run(
                    EmbeddedScripts.luaAtomic,
                    keys: [keys.stock, keys.reservations, keys.epoch, keys.ended(reservation.id)],
                    arguments: [reservation.id.description, String(reservation.quantity)], &evidence)
            } catch {
                throw StrategyError(error, during: "reserving product \(reservation.product)")
            }
            guard let answer = ScriptDecision(reply.array ?? []) else {
                throw StrategyError(.outcomeUnknown, "the script lua-atomic answered \(reply)")
            }
            let decision = try answer.meaning(for: reservation.product)
            evidence.held = began.duration(to: clock.now)
            return ReserveOutcome(decision, evidence: evidence, epoch: answer.epoch)
        } catch {
            evidence.held = began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await StockSection(redis: redis).cancel(id, of: product)
    }
}

extension StrategyEntry {
    /// The strategy `lua-atomic`: see ``LuaAtomic``.
    public static let luaAtomic = StrategyEntry(
        "lua-atomic",
        traits: StrategyTraits(
            summary: "no lock: one script checks and takes the units in one atomic step",
            criticalSection: "one script", abilities: [.stallSafety]),
        factory: LuaAtomicFactory())
}

private struct LuaAtomicFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lockFree(LuaAtomic(redis: parts.stock, clock: parts.clock))
    }
}
