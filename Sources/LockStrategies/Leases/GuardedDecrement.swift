import RedisClient

/// Any ``LeaseLock`` as a ``LockStrategy``: acquire, read the stock, decide, write stock and reservation,
/// release. A lock in the Redis of the stock carries the read with the grant, and the release with the write.
///
/// What breaks it: a holder that is stopped past its lease between the last look at the clock and the write
/// writes beside the next holder. The write leaves only while the lease is valid: that makes the window
/// small, and does not close it, because what has left may arrive later. A write whose reply was lost may
/// still be on its way, so its lock is not given back: it ends with the time to live. Cost: the lock's own
/// round trips and two more; where the lock carries them, the lock's own.
public struct GuardedDecrement<Lock: LeaseLock, Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let lock: Lock
    /// The lock, if it carries the commands of the section.
    private let carrier: (any CarryingLock)?
    /// The lock, if nobody has to wait for its release.
    private let behind: (any ReleasingBehind)?
    /// The lock, if it can be lost before its lease ends.
    private let bound: (any SessionBoundLock)?
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
        carrier = lock as? any CarryingLock
        behind = lock as? any ReleasingBehind
        bound = lock as? any SessionBoundLock
        self.section = StockSection(redis: redis)
        self.clock = clock
        self.timeToLive = timeToLive
    }

    public func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try StrategyError.checkQuantity(reservation)
        let (outcome, stock) = try await acquire(for: reservation)
        switch outcome {
        case .contended(let evidence):
            return ReserveOutcome(.contended, evidence: evidence)
        case .granted(let lease, var evidence):
            // What the work did is what the caller sees, whatever the release does.
            let work = await hold(lease, since: clock.now, stock, for: reservation, &evidence)
            switch work {
            case .success(let taken):
                return ReserveOutcome(taken.decision, evidence: evidence, epoch: taken.epoch)
            case .failure(let error): throw error.adding(evidence)
            }
        }
    }

    /// - Returns: With a grant the answer to the read; nil where it is still to be read.
    private func acquire(
        for reservation: Reservation
    ) async throws(StrategyError) -> (AcquireOutcome, stock: RESPValue?) {
        let key = ProductKeys(reservation.product).lock
        guard let carrier else {
            return (
                try await lock.acquire(key, timeToLive: timeToLive, deadline: reservation.deadline), nil
            )
        }
        return try await carrier.acquire(
            key, timeToLive: timeToLive, deadline: reservation.deadline,
            reading: section.reading(for: reservation))
    }

    /// The work under a lease, and the end of the lease.
    private func hold(
        _ lease: Lease, since granted: ContinuousClock.Instant, _ stock: RESPValue?,
        for reservation: Reservation, _ evidence: inout Evidence
    ) async -> Result<TakenUnits, StrategyError> {
        // Before the release is sent: its reply may be what the next holder is told by.
        var left: ContinuousClock.Instant?
        var isGivenBack = false
        let work: Result<TakenUnits, StrategyError>
        do throws(StrategyError) {
            switch try await step(of: reservation, stock, &evidence) {
            case .soldOut(let remaining):
                work = .success(TakenUnits(decision: .soldOut(remaining: remaining), epoch: nil))
            case .reservedBefore(let remaining, let epoch):
                work = .success(TakenUnits(remaining, under: lease, in: epoch))
            case .write(let newStock, let epoch):
                guard !Task.isCancelled else {
                    throw StrategyError(.cancelled, "cancelled before the write; nothing was taken")
                }
                let write = section.writing(newStock, epoch: epoch, for: reservation, fence: lease.fence)
                let reply: RESPValue
                if let carrier {
                    left = clock.now
                    reply = try await carry(write, under: lease, by: carrier, &evidence)
                    isGivenBack = true
                } else {
                    reply = try await send(under: lease, &evidence) {
                        [section] cost throws(StrategyError) in
                        try await section.send(write, for: reservation.product, &cost)
                    }
                }
                let remaining = try section.stock(of: reservation.product, after: reply, &evidence)
                work = .success(TakenUnits(remaining, under: lease, in: epoch))
            }
        } catch {
            work = .failure(error)
            // Nothing was sent that ended the lease.
            if !isGivenBack, error.code != .outcomeUnknown { left = nil }
        }
        evidence.held = granted.duration(to: left ?? clock.now)
        if !isGivenBack { await end(lease, after: work.map { _ in }, &evidence) }
        return work
    }

    private func step(
        of reservation: Reservation, _ stock: RESPValue?, _ evidence: inout Evidence
    ) async throws(StrategyError) -> StockSection<Redis>.Step {
        guard let stock else { return try await section.decide(reservation, &evidence) }
        return try section.decide(reservation, by: stock)
    }

    /// The write and the release in one step.
    ///
    /// - Returns: What the write answered; then the lease is over.
    private func carry(
        _ write: SectionCall, under lease: Lease, by carrier: any CarryingLock, _ evidence: inout Evidence
    ) async throws(StrategyError) -> RESPValue {
        let (written, release) = try await send(under: lease, &evidence) {
            cost throws(StrategyError) in try await carrier.release(lease, after: write, &cost)
        }
        Self.note(release, &evidence)
        return written
    }

    /// Sends a write while the lease is valid. Once it is sent it is waited for: the lock must not be free
    /// while it is under way.
    private func send<Answer: Sendable>(
        under lease: Lease, _ evidence: inout Evidence,
        _ write: @escaping @Sendable (inout Evidence) async throws(StrategyError) -> Answer
    ) async throws(StrategyError) -> Answer {
        let written = await uncancelled(&evidence) { [self] cost in
            await whileValid(
                lease, "\(ending(of: lease.key)) before the write; nothing was taken", &cost, write)
        }
        return try written.get()
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
                    lease, "\(ending(of: key)) before the return; nothing went back", &cost
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

    /// Writes whose commands leave only while the lease is valid: a look before the call is not enough,
    /// because the call may wait before it sends.
    ///
    /// - Parameter lost: What an error says when the lease was over before the write was sent.
    private func whileValid<Value: Sendable>(
        _ lease: Lease, _ lost: String, _ cost: inout Evidence,
        _ write: (inout Evidence) async throws(StrategyError) -> Value
    ) async -> Result<Value, StrategyError> {
        let isValid: @Sendable () -> Bool = { [clock, bound] in
            clock.now < lease.validUntil && bound?.isHeld(lease) ?? true
        }
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

    private func ending(of key: LockKey) -> String {
        bound == nil ? "the lease on \(key) ended" : "the session that held \(key) ended"
    }

    /// Gives the lease back, unless a write may still be under way.
    private func end(
        _ lease: Lease, after work: Result<Void, StrategyError>, _ evidence: inout Evidence
    ) async {
        if case .failure(let error) = work, error.code == .outcomeUnknown {
            evidence.failedReleases += 1
            return await lock.abandon(lease)
        }
        if let behind, behind.releaseBehind(lease, &evidence) { return }
        await uncancelled(&evidence) { [lock] cost in
            do throws(StrategyError) {
                Self.note(try await lock.release(lease, &cost), &cost)
            } catch {
                Self.note(nil, &cost)
            }
        }
    }

    /// - Parameter release: Nil when it has failed.
    private static func note(_ release: ReleaseOutcome?, _ evidence: inout Evidence) {
        switch release {
        case .released: break
        case .notOwner, .absent: evidence.lostLeases += 1
        case nil: evidence.failedReleases += 1
        }
    }
}
