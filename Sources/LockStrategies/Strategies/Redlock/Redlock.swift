import RedisClient

/// A lock that a majority of independent Redis nodes grants.
///
/// Tasks of one process stand in line, and only the first asks the nodes: a request costs a command to each
/// of them. Nobody asks while a task of this process holds the lock. From time to time the process leaves the
/// lock free for others.
///
/// Holds while a majority of nodes keeps its keys and clocks run at about the same speed. What breaks it: a
/// holder stopped past its lease; a node that restarts empty while its vote is needed; a jump of a node's
/// clock. It mints no fence. An even number of nodes is allowed and its majority is N/2 + 1: four nodes
/// survive the loss of one, as three do. One parallel round trip to all nodes per attempt and one to release;
/// no node is waited for longer than its port's time limit, and with a ``FinishingQueue`` none that is
/// slower than the majority. A purchase does not wait for the release then. Source: redis.io, "Distributed
/// Locks with Redis"; the objections: Martin Kleppmann, "How to do distributed locking", 2016.
public struct Redlock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    let nodes: [LockNode<Redis>]
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy
    private let validity: LeaseValidity
    private let room: WaitingRoom
    let finishing: FinishingQueue?

    /// - Parameters:
    ///   - nodes: Independent servers, each with a name of its own.
    ///   - clock: Counts leases and pauses.
    ///   - random: Makes tokens and spreads pauses.
    ///   - retry: When a lock that is taken is asked for again.
    ///   - validity: What is taken off a lease for the drift of clocks.
    ///   - finishing: Waits for commands that the outcome does not depend on any more; nil: the call waits
    ///     for them.
    /// - Throws: When there is no node or when one is named twice: two votes of one server are one failure.
    public init(
        nodes: [LockNode<Redis>], clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity,
        finishing: FinishingQueue? = nil
    ) throws(StrategyConfigurationError) {
        guard !nodes.isEmpty else {
            throw StrategyConfigurationError(
                "redlock needs lock nodes: give their URLs after the stock's, for example "
                    + "--redis STOCK,NODE1,NODE2,NODE3")
        }
        var names: Set<String> = []
        for node in nodes where !names.insert(node.name).inserted {
            throw StrategyConfigurationError(
                "redlock's node \(node.name) is given twice: each node must be a server of its own")
        }
        self.nodes = nodes
        self.clock = clock
        self.random = random
        self.retry = retry
        self.validity = validity
        self.finishing = finishing
        room = WaitingRoom(clock: clock)
    }

    var quorum: Int { nodes.count / 2 + 1 }

    /// Tasks of this process in the line of a lock.
    func waitingCount(of key: LockKey) -> Int { room.count(of: key) }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let began = clock.now
        let place = room.enter(key, timeToLive: timeToLive)
        do throws(StrategyError) {
            let turn = try await room.service(of: place, before: deadline, on: clock)
            // Nobody hands this lock over.
            guard case .ask = turn else {
                _ = room.leave(place, now: clock.now)
                return .contended(evidence: Evidence(waited: began.duration(to: clock.now)))
            }
            try await leaveFree(place, before: deadline)
            let inLine = Evidence(waited: began.duration(to: clock.now))
            let outcome = try await ask(place, milliseconds, deadline, after: inLine)
            guard case .granted(let lease, let evidence) = outcome else {
                _ = room.leave(place, now: clock.now)
                return outcome
            }
            room.granted(place, after: evidence.attempts, now: clock.now)
            _ = room.leave(place, with: lease, now: clock.now)
            return outcome
        } catch {
            _ = room.leave(place, now: clock.now)
            throw error
        }
    }

    /// Waits until other processes have had a chance, where this one had the lock for long.
    private func leaveFree(
        _ place: WaitingRoom.Place, before deadline: ContinuousClock.Instant
    ) async throws(StrategyError) {
        let now = clock.now
        guard now < deadline, room.mustYield(place, now: now) else { return }
        // Those with the built-in pauses ask once in that time.
        let pause = min(retry.longestPause, OwnRun.shortest, now.duration(to: deadline))
        try await clock.pause(pause, before: "the lock")
    }

    /// Asks the nodes until they grant, as the only task of this process that does.
    private func ask(
        _ place: WaitingRoom.Place, _ milliseconds: Int64, _ deadline: ContinuousClock.Instant,
        after inLine: Evidence
    ) async throws(StrategyError) -> AcquireOutcome {
        try await AcquireLoop(clock: clock, random: random, retry: retry).run(
            deadline: deadline, after: inLine,
            wait: { pause throws(StrategyError) in try await clock.pause(pause, before: "the lock") },
            attempt: { evidence throws(StrategyError) in try await attempt(place, milliseconds, &evidence) })
    }

    /// One try: a lease, or nil when it is contended.
    private func attempt(
        _ place: WaitingRoom.Place, _ milliseconds: Int64, _ evidence: inout Evidence
    ) async throws(StrategyError) -> Lease? {
        let key = place.key
        let token = LeaseToken(random: random)
        let asked = clock.now
        let votes = await poll(key, token, milliseconds, &evidence)
        let end = validity.end(asked: asked, timeToLive: place.timeToLive)
        let isInTime = clock.now < end
        if votes.granted.count >= quorum, isInTime, !Task.isCancelled {
            return Lease(key: key, token: token, fence: nil, validUntil: end, unreached: votes.unreached)
        }
        // A failed attempt leaves no key of ours: also not where the answer is missing.
        await withdraw(key, token, after: votes, &evidence)
        if Task.isCancelled { throw StrategyError(.cancelled, "cancelled while acquiring \(key)") }
        if votes.granted.count >= quorum {
            throw StrategyError(
                .leaseLost, "the grant of \(key) arrived after its validity; it was given back")
        }
        if votes.failed.count > nodes.count - quorum {
            throw StrategyError(
                .unavailable,
                "acquiring \(key): only \(nodes.count - votes.failed.count) of \(nodes.count) lock "
                    + "nodes answered, \(quorum) are needed",
                underlying: votes.failed.first)
        }
        return nil
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        var cost = Evidence()
        let tally = await ask(nodes, NodeTally(), &cost) { node, cost throws(RedisError) in
            try await node.extend(lease.key, lease.token, milliseconds, &cost)
        }
        do throws(StrategyError) {
            switch try verdict(tally, during: "extending \(lease.key)") {
            case .done:
                let end = validity.end(asked: asked, timeToLive: timeToLive)
                guard clock.now < end else {
                    throw StrategyError(
                        .leaseLost, "the extension of \(lease.key) took longer than its validity")
                }
                let longer = lease.extended(to: end)
                room.extended(longer)
                return .extended(longer)
            case .notOwner: return .notOwner
            case .absent: return .absent
            }
        } catch {
            throw error.adding(cost)
        }
    }

    public func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        // Whatever becomes of it: who is next asks the nodes.
        defer { freed(by: lease) }
        let reached = reached(by: lease)
        // Where the grant never came there is nothing to release.
        let start = NodeTally(absent: nodes.count - reached.count)
        let tally = await askAtLeastMajority(reached, start, &evidence) { node, cost throws(RedisError) in
            try await node.release(lease.key, lease.token, &cost)
        }
        guard let tally else {
            throw StrategyError(
                .cancelled, "cancelled while releasing \(lease.key); every node was asked to")
        }
        switch try verdict(tally, during: "releasing \(lease.key)") {
        case .done: return .released
        case .notOwner: return .notOwner
        case .absent: return .absent
        }
    }

    /// The next in line may ask. On one event loop its commands stand behind those of the release; elsewhere
    /// they may overtake them, which costs one failed try.
    private func freed(by lease: Lease) { _ = room.released(lease, isKnown: true) }

    /// A node that the grant never reached is not asked.
    private func reached(by lease: Lease) -> [LockNode<Redis>] {
        nodes.indices.filter { !lease.unreached.contains($0) }.map { nodes[$0] }
    }
}

extension Redlock: ReleasingBehind {
    package func releaseBehind(_ lease: Lease, _ evidence: inout Evidence) -> Bool {
        let reached = reached(by: lease)
        var work: [FinishingQueue.Work] = reached.map { node in
            {
                var uncounted = Evidence()
                _ = try? await node.release(lease.key, lease.token, &uncounted)
            }
        }
        // Not before those have begun: who asks sooner is refused by its own process.
        work.append { freed(by: lease) }
        guard let finishing, finishing.start(work) else { return false }
        // One command each; what their answers lead to is sent later.
        evidence.commandsSent += reached.count
        // The first in line looks behind them. On one event loop its request leaves in one piece with them.
        room.wake(lease.key)
        return true
    }
}

extension StrategyEntry {
    /// The strategy `redlock`: see ``Redlock``.
    public static let redlock = StrategyEntry(
        "redlock",
        traits: StrategyTraits(
            summary: "SET NX with a lease on most of several Redis nodes; waiters of a process stand in line",
            criticalSection: StrategyTraits.guardedSection, abilities: [.leases, .quorum, .arrivalOrder],
            retry: RetryPolicy(
                delay: .exponentialFullJitter(base: .milliseconds(5), cap: .milliseconds(20)))),
        factory: RedlockFactory())
}

private struct RedlockFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(
            try Redlock(
                nodes: parts.lockNodes, clock: parts.clock, random: parts.random, retry: parts.retry,
                validity: parts.validity, finishing: parts.finishing))
    }
}
