import RedisClient

/// A lock that a majority of independent Redis nodes grants.
///
/// Holds while a majority of nodes keeps its keys and clocks run at about the same speed. What breaks it: a
/// holder stopped past its lease; a node that restarts empty while its vote is needed; a jump of a node's
/// clock. It mints no fence. An even number of nodes is allowed and its majority is N/2 + 1: four nodes
/// survive the loss of one, as three do. One parallel round trip to all nodes per attempt and one to release;
/// no node is waited for longer than its port's time limit. Source: redis.io, "Distributed Locks with Redis";
/// the objections: Martin Kleppmann, "How to do distributed locking", 2016.
public struct Redlock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let nodes: [LockNode<Redis>]
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy
    private let validity: LeaseValidity

    /// - Throws: When there is no node or when one is named twice: two votes of one server are one failure.
    public init(
        nodes: [LockNode<Redis>], clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity
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
    }

    var quorum: Int { nodes.count / 2 + 1 }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try validity.checked(timeToLive)
        return try await AcquireLoop(clock: clock, random: random, retry: retry)
            .run(deadline: deadline) { evidence throws(StrategyError) in
                let token = LeaseToken(random: random)
                let asked = clock.now
                evidence.commandsSent += nodes.count
                let votes = await poll(key, token, milliseconds)
                let end = validity.end(asked: asked, timeToLive: timeToLive)
                let isInTime = clock.now < end
                if votes.granted >= quorum, isInTime, !Task.isCancelled {
                    return Lease(key: key, token: token, fence: nil, validUntil: end)
                }
                // A failed attempt leaves no key of ours: also not where the answer is missing.
                evidence.commandsSent += votes.mayHold.count
                await withdraw(key, token, from: votes.mayHold)
                if Task.isCancelled {
                    throw StrategyError(.cancelled, "cancelled while acquiring \(key)")
                }
                if votes.granted >= quorum {
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
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        let tally = await askAll { node throws(RedisError) in
            try await node.extend(lease.key, lease.token, milliseconds)
        }
        switch try verdict(tally, during: "extending \(lease.key)") {
        case .done:
            let end = validity.end(asked: asked, timeToLive: timeToLive)
            guard clock.now < end else {
                throw StrategyError(.leaseLost, "the extension of \(lease.key) took longer than its validity")
            }
            return .extended(lease.extended(to: end))
        case .notOwner: return .notOwner
        case .absent: return .absent
        }
    }

    public func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
        let tally = await askAll { node throws(RedisError) in
            try await node.release(lease.key, lease.token)
        }
        switch try verdict(tally, during: "releasing \(lease.key)") {
        case .done: return .released
        case .notOwner: return .notOwner
        case .absent: return .absent
        }
    }

    public var releaseCommands: Int { nodes.count }

    // MARK: Acquiring

    private struct Ballot: Sendable {
        enum Vote: Sendable {
            case granted
            case taken
            case failed(RedisError)
        }

        let node: LockNode<Redis>
        let vote: Vote
    }

    private struct Votes: Sendable {
        var granted = 0
        /// Nodes that granted, failed, or did not answer before the outcome was clear.
        var mayHold: [LockNode<Redis>] = []
        var failed: [RedisError] = []
    }

    /// Asks all nodes at once; stops waiting as soon as the outcome is clear.
    private func poll(_ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64) async -> Votes {
        await withTaskGroup(of: Ballot.self) { group in
            for node in nodes {
                group.addTask { await Self.ask(node, key, token, milliseconds) }
            }
            var votes = Votes()
            var isClear = false
            var taken = 0
            for await ballot in group {
                switch ballot.vote {
                case .granted:
                    votes.granted += 1
                    votes.mayHold.append(ballot.node)
                case .taken:
                    taken += 1
                case .failed(let error):
                    votes.mayHold.append(ballot.node)
                    // A node that was no longer waited for has not failed.
                    if !isClear { votes.failed.append(error) }
                }
                if !isClear, isClearAfter(votes, taken: taken) {
                    isClear = true
                    group.cancelAll()
                }
            }
            return votes
        }
    }

    /// Granted by a majority; or a majority answered and granting is out of reach; or no majority can answer.
    /// So "contended" is only said when a majority of nodes is there to say it.
    private func isClearAfter(_ votes: Votes, taken: Int) -> Bool {
        if votes.granted >= quorum || votes.failed.count > nodes.count - quorum { return true }
        let isOutOfReach = taken + votes.failed.count > nodes.count - quorum
        return isOutOfReach && votes.granted + taken >= quorum
    }

    private static func ask(
        _ node: LockNode<Redis>, _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64
    ) async -> Ballot {
        do throws(RedisError) {
            let isGranted = try await node.set(key, token, milliseconds)
            return Ballot(node: node, vote: isGranted ? .granted : .taken)
        } catch {
            return Ballot(node: node, vote: .failed(error))
        }
    }

    private func withdraw(_ key: LockKey, _ token: LeaseToken, from holders: [LockNode<Redis>]) async {
        guard !holders.isEmpty else { return }
        await uncancelled {
            await withTaskGroup(of: Void.self) { group in
                for node in holders {
                    group.addTask { await node.takeBack(key, token) }
                }
            }
        }
    }

    // MARK: Owned keys

    private struct Tally {
        var done = 0
        var notOwner = 0
        var absent = 0
        var failed: [RedisError] = []
    }

    private func askAll(
        _ command: @escaping @Sendable (LockNode<Redis>) async throws(RedisError) -> NodeAnswer
    ) async -> Tally {
        await withTaskGroup(of: Result<NodeAnswer, RedisError>.self) { group in
            for node in nodes {
                group.addTask {
                    do throws(RedisError) {
                        return .success(try await command(node))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var tally = Tally()
            for await answer in group {
                switch answer {
                case .success(.done): tally.done += 1
                case .success(.notOwner): tally.notOwner += 1
                case .success(.absent): tally.absent += 1
                case .failure(let error): tally.failed.append(error)
                }
            }
            return tally
        }
    }

    /// What a majority says; an error where the nodes that failed could have made the majority.
    private func verdict(_ tally: Tally, during step: String) throws(StrategyError) -> NodeAnswer {
        if tally.done >= quorum { return .done }
        if let error = tally.failed.first, tally.done + tally.failed.count >= quorum {
            throw StrategyError(
                error, during: "\(step) on \(tally.failed.count) of \(nodes.count) lock nodes",
                evidence: Evidence(commandsSent: nodes.count))
        }
        return tally.notOwner > tally.absent ? .notOwner : .absent
    }
}

extension StrategyEntry {
    public static let redlock = StrategyEntry(
        "redlock",
        traits: StrategyTraits(
            summary: "SET NX with a lease on the majority of independent Redis nodes",
            criticalSection: StrategyTraits.guardedSection, abilities: [.leases, .quorum],
            retry: RetryPolicy(
                delay: .exponentialFullJitter(base: .milliseconds(5), cap: .milliseconds(200)))),
        factory: RedlockFactory())
}

private struct RedlockFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(
            try Redlock(
                nodes: parts.lockNodes, clock: parts.clock, random: parts.random, retry: parts.retry,
                validity: parts.validity))
    }
}
