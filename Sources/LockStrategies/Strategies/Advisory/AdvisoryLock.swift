import Synchronization

/// A lock that a session of PostgreSQL holds: `pg_advisory_lock`, one number a product.
///
/// What breaks it: a session that ends while its holder works. PostgreSQL ends one whose client it takes for
/// dead (no sign of TCP), which an operator or a time limit ends, and all of them when it fails over or
/// restarts; the next buyer gets the lock then. The holder does not begin to write when it can know that its
/// session has ended. What was sent before that, or what it cannot know yet, is written beside the next
/// holder.
///
/// There is no time to live: a holder that is stopped keeps the lock for as long as the server keeps its
/// session, and everybody waits. A holder that dies loses the lock as soon as its socket is closed.
///
/// Buyers of one process stand in one line for each key, and only the first of them has a session. So a
/// process takes as many connections as keys that are wanted at the same time, and waits in arrival order.
/// Between processes PostgreSQL serves in arrival order. One round trip to PostgreSQL to acquire, and one to
/// release; no Redis command.
///
/// Source: PostgreSQL 15, "Explicit Locking", "Advisory Locks"; "Advisory Lock Functions".
public struct AdvisoryLock<C: MonotonicClock>: LeaseLock {
    private let sessions: any AdvisoryLocks
    private let clock: C
    private let random: RandomSource
    private let desk = Desk()
    private let timer: WakeTimer

    /// - Parameters:
    ///   - sessions: Hold the locks.
    ///   - clock: Counts waits.
    ///   - random: Makes tokens, by which this process knows its grants.
    public init(sessions: any AdvisoryLocks, clock: C, random: RandomSource) {
        self.sessions = sessions
        self.clock = clock
        timer = WakeTimer(clock: clock)
        self.random = random
    }

    /// Tasks of this process that have the lock of this key or wait for it.
    func waitingCount(of key: LockKey) -> Int { desk.count(of: key) }

    /// Acquires the lock. `timeToLive` says how long it stays when it is abandoned; it ends by nothing else.
    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let began = clock.now
        let (place, signal) = desk.enter(key)
        var evidence = Evidence()
        do throws(StrategyError) {
            let session = try await session(place, signal, deadline, &evidence)
            evidence.waited = began.duration(to: clock.now)
            guard let session else {
                desk.leave(place)
                return .contended(evidence: evidence)
            }
            let lease = Lease(
                key: key, token: LeaseToken(random: random), fence: nil,
                validUntil: clock.now.advanced(by: Self.noEnd))
            desk.granted(lease, Grant(session: session, place: place, timeToLive: timeToLive))
            return .granted(lease, evidence: evidence)
        } catch {
            desk.leave(place)
            evidence.waited = began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }

    /// - Returns: Nil when somebody else had the lock until the deadline.
    private func session(
        _ place: SessionLine<WakeSignal>.Place, _ signal: WakeSignal, _ deadline: ContinuousClock.Instant,
        _ evidence: inout Evidence
    ) async throws(StrategyError) -> (any AdvisorySession)? {
        defer { timer.forget(place.number) }
        while !desk.isFirst(place) {
            guard clock.now < deadline else { return nil }
            timer.wake(signal, at: deadline, as: place.number)
            await signal.wait()
            guard !Task.isCancelled else { throw Self.cancelled(place.key) }
        }
        timer.forget(place.number)
        evidence.attempts += 1
        guard !Task.isCancelled else { throw Self.cancelled(place.key) }
        let number = AdvisoryNumber.number(of: place.key)
        let session = try await sessions.lock(number, within: clock.now.duration(to: deadline))
        if let session, Task.isCancelled {
            await uncancelled { _ = try? await session.unlock() }
            throw Self.cancelled(place.key)
        }
        return session
    }

    private static func cancelled(_ key: LockKey) -> StrategyError {
        StrategyError(.cancelled, "cancelled while waiting for the lock \(key)")
    }

    /// Changes nothing: the lock ends with the session.
    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        if isHeld(lease) { return .extended(lease) }
        return desk.hasSuccessor(of: lease) ? .notOwner : .absent
    }

    /// - Returns: `.absent` also when another process has the lock: nobody is asked.
    public func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        guard let grant = desk.ended(lease) else { return desk.hasSuccessor(of: lease) ? .notOwner : .absent }
        // Behind the answer, so that the next one in the line gets the same session.
        defer { desk.leave(grant.place) }
        return try await grant.session.unlock() ? .released : .absent
    }

    /// The session keeps the lock for the time to live of the grant: a write that is under way has come or
    /// gone by then. Then it is ended.
    public func abandon(_ lease: Lease) async {
        guard let grant = desk.ended(lease) else { return }
        grant.session.end(after: grant.timeToLive)
        desk.leave(grant.place)
    }

    private static var noEnd: Duration { .seconds(100 * 365 * 86_400) }
}

extension AdvisoryLock: SessionBoundLock {
    package func isHeld(_ lease: Lease) -> Bool { desk.session(of: lease)?.isAlive ?? false }
}

extension AdvisoryLock {
    private struct Grant: Sendable {
        let session: any AdvisorySession
        let place: SessionLine<WakeSignal>.Place
        let timeToLive: Duration
    }

    /// The lines of this process, and what it was granted.
    private final class Desk: Sendable {
        private struct State {
            var line = SessionLine<WakeSignal>()
            var grants: [LeaseToken: Grant] = [:]
        }

        private let state = Mutex(State())

        func enter(_ key: LockKey) -> (SessionLine<WakeSignal>.Place, WakeSignal) {
            let signal = WakeSignal()
            return (state.withLock { $0.line.enter(key, signal) }, signal)
        }

        func isFirst(_ place: SessionLine<WakeSignal>.Place) -> Bool {
            state.withLock { $0.line.isFirst(place) }
        }

        func leave(_ place: SessionLine<WakeSignal>.Place) {
            state.withLock { $0.line.leave(place) }?.signal()
        }

        func granted(_ lease: Lease, _ grant: Grant) {
            state.withLock { $0.grants[lease.token] = grant }
        }

        /// Takes the grant away: what comes second finds nothing.
        func ended(_ lease: Lease) -> Grant? {
            state.withLock { state in
                guard state.grants[lease.token]?.place.key == lease.key else { return nil }
                return state.grants.removeValue(forKey: lease.token)
            }
        }

        func session(of lease: Lease) -> (any AdvisorySession)? {
            state.withLock { $0.grants[lease.token]?.session }
        }

        /// Another task of this process has the lock of that lease.
        func hasSuccessor(of lease: Lease) -> Bool {
            state.withLock { state in
                state.grants.contains { $0.key != lease.token && $0.value.place.key == lease.key }
            }
        }

        func count(of key: LockKey) -> Int { state.withLock { $0.line.count(of: key) } }
    }
}

extension StrategyEntry {
    /// The strategy `pg-advisory`: see ``AdvisoryLock``.
    public static let pgAdvisory = StrategyEntry(
        "pg-advisory",
        traits: StrategyTraits(
            summary: "an advisory lock that a session of PostgreSQL holds, without a lease",
            criticalSection: StrategyTraits.guardedSection, abilities: [.sessions, .arrivalOrder]),
        factory: AdvisoryFactory())
}

private struct AdvisoryFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        guard let sessions = parts.advisoryLocks else {
            throw StrategyConfigurationError("it takes its lock in a PostgreSQL, and none is given")
        }
        return .lock(AdvisoryLock(sessions: sessions, clock: parts.clock, random: parts.random))
    }
}
