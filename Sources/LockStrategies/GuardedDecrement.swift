/// Any ``LeaseLock`` as a ``LockStrategy``: acquire, read the stock, decide, write stock and reservation,
/// release.
///
/// What breaks it: a holder that is stopped past its lease between the last look at the clock and the write
/// writes beside the next holder. The look at the clock before the write makes that window small, it does not
/// close it. Cost: the lock's own round trips and two more.
public struct GuardedDecrement<Lock: LeaseLock, Redis: RedisPort, C: MonotonicClock>: LockStrategy {
    private let lock: Lock
    private let section: StockSection<Redis>
    private let clock: C
    private let timeToLive: Duration

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
        let work: Result<ReserveOutcome.Decision, StrategyError>
        do throws(StrategyError) {
            work = .success(try await decrement(reservation, under: lease, &evidence))
        } catch {
            work = .failure(error)
        }
        // The lease is given back whatever the work did; what the work did is what the caller sees.
        evidence = evidence + (await giveBack(lease))
        evidence.held = granted.duration(to: clock.now)
        switch work {
        case .success(let decision): return ReserveOutcome(decision, evidence: evidence)
        case .failure(let error): throw error.adding(evidence)
        }
    }

    private func decrement(
        _ reservation: Reservation, under lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReserveOutcome.Decision {
        switch try await section.decide(reservation, &evidence) {
        case .soldOut(let remaining):
            return .soldOut(remaining: remaining)
        case .write(let newStock):
            guard clock.now < lease.validUntil else {
                throw StrategyError(
                    .leaseLost, "the lease on \(lease.key) ended before the write; nothing was taken")
            }
            let remaining = try await section.write(newStock, for: reservation, &evidence)
            return .reserved(remaining: remaining, fence: lease.fence)
        }
    }

    private func giveBack(_ lease: Lease) async -> Evidence {
        await uncancelled {
            do throws(StrategyError) {
                let outcome = try await lock.release(lease)
                return Evidence(
                    commandsSent: lock.releaseCommands, lostLeases: outcome == .released ? 0 : 1)
            } catch {
                return Evidence(commandsSent: lock.releaseCommands, failedReleases: 1)
            }
        }
    }
}
