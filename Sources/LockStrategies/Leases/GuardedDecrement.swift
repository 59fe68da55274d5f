import RedisClient

/// Any ``LeaseLock`` as a ``LockStrategy``: acquire, read the stock, decide, write stock and reservation,
/// release.
///
/// What breaks it: a holder that is stopped past its lease between the last look at the clock and the write
/// writes beside the next holder. The write leaves only while the lease is valid: that makes the window
/// small, and does not close it, because what has left may arrive later. A write whose reply was lost may
/// still be on its way, so its lock is not given back: it ends with the time to live. Cost: the lock's own
/// round trips and two more.
public struct GuardedDecrement<Lock: LeaseLock, Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let lock: Lock
    private let section: StockSection<Redis>
    private let clock: C
    private let timeToLive: Duration

    /// - Parameters:
    ///   - lock: Keeps buyers of one product apart.
    ///   - redis: Holds stock and reservations.
    ///   - clock: The lock's own clock.
    ///   - timeToLive: Of each lease; longer than two round trips.
    public init(lock: Lock, redis: Redis, clock: C, timeToLive: Duration) {
        self.lock = lock
        self.section = StockSection(redis: redis)
        self.clock = clock
        self.timeToLive = timeToLive
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let key = ProductKeys(reservation.product).lock
        switch try await lock.acquire(key, timeToLive: timeToLive, deadline: reservation.deadline) {
        case .contended(let evidence):
            return ReserveOutcome(.contended, evidence: evidence)
        case .granted(let lease, let acquiring):
            return try await hold(lease, since: clock.now, for: reservation, acquiring)
        }
    }

    private func hold(
        _ lease: Lease, since granted: ContinuousClock.Instant, for reservation: Reservation,
        _ acquiring: Evidence
    ) async throws(StrategyError) -> ReserveOutcome {
        var evidence = acquiring
        let work: Result<TakenUnits, StrategyError>
        do throws(StrategyError) {
            work = .success(try await decrement(reservation, under: lease, &evidence))
        } catch {
            work = .failure(error)
        }
        // Before the release: its reply may be what the next holder is told by.
        evidence.held = granted.duration(to: clock.now)
        // What the work did is what the caller sees, whatever the release does.
        await end(lease, after: work.map { _ in }, &evidence)
        switch work {
        case .success(let taken):
            return ReserveOutcome(taken.decision, evidence: evidence, epoch: taken.epoch)
        case .failure(let error): throw error.adding(evidence)
        }
    }

    public func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        let key = ProductKeys(product).lock
        switch try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline) {
        case .contended(let evidence):
            throw StrategyError(
                .timedOut, "the lock was not obtained, so reservation \(id) stays open", evidence: evidence)
        case .granted(let lease, var evidence):
            let work = await uncancelled { [self] in
                var cost = Evidence()
                return await whileValid(
                    lease, "the lease on \(key) ended before the return; nothing went back", &cost
                ) { [section] _ throws(StrategyError) in
                    try await section.cancel(id, of: product, fence: lease.fence)
                }
            }
            await end(lease, after: work.map { _ in }, &evidence)
            switch work {
            case .success(let units): return units
            case .failure(let error): throw error.adding(evidence)
            }
        }
    }

    private func decrement(
        _ reservation: Reservation, under lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> TakenUnits {
        switch try await section.decide(reservation, &evidence) {
        case .soldOut(let remaining):
            return TakenUnits(decision: .soldOut(remaining: remaining), epoch: nil)
        case .reservedBefore(let remaining, let epoch):
            return TakenUnits(
                decision: .reserved(remaining: remaining, fence: lease.fence), epoch: StockEpoch(epoch))
        case .write(let newStock, let epoch):
            guard !Task.isCancelled else {
                throw StrategyError(.cancelled, "cancelled before the write; nothing was taken")
            }
            // Once it is sent it is waited for: the lock must not be free while it is under way.
            let written = await uncancelled(&evidence) { [self] cost in
                await whileValid(
                    lease, "the lease on \(lease.key) ended before the write; nothing was taken", &cost
                ) { [section] cost throws(StrategyError) in
                    try await section.write(
                        newStock, epoch: epoch, for: reservation, fence: lease.fence, &cost)
                }
            }
            return TakenUnits(
                decision: .reserved(remaining: try written.get(), fence: lease.fence),
                epoch: StockEpoch(epoch))
        }
    }

    /// Writes whose commands leave only while the lease is valid: a look before the call is not enough,
    /// because the call may wait before it sends.
    ///
    /// - Parameter lost: What an error says when the lease was over before the write was sent.
    private func whileValid<Value: Sendable>(
        _ lease: Lease, _ lost: String, _ cost: inout Evidence,
        _ write: (inout Evidence) async throws(StrategyError) -> Value
    ) async -> Result<Value, StrategyError> {
        let isValid: @Sendable () -> Bool = { [clock] in clock.now < lease.validUntil }
        var spent = cost
        guard isValid() else { return .failure(StrategyError(.leaseLost, lost)) }
        let result = await SendPermit.$isValid.withValue(isValid) {
            do throws(StrategyError) {
                return Result<Value, StrategyError>.success(try await write(&spent))
            } catch {
                guard error.code == .timedOut, !isValid() else { return .failure(error) }
                return .failure(
                    StrategyError(.leaseLost, lost, underlying: error.underlying, evidence: error.evidence))
            }
        }
        cost = spent
        return result
    }

    /// Gives the lease back, unless a write may still be under way.
    private func end(
        _ lease: Lease, after work: Result<Void, StrategyError>, _ evidence: inout Evidence
    ) async {
        if case .failure(let error) = work, error.code == .outcomeUnknown {
            evidence.failedReleases += 1
            return await lock.abandon(lease)
        }
        await uncancelled(&evidence) { [lock] cost in
            do throws(StrategyError) {
                if try await lock.release(lease, &cost) != .released { cost.lostLeases += 1 }
            } catch {
                cost.failedReleases += 1
            }
        }
    }
}
