import RedisClient

/// A lock that a majority of independent Redis nodes grants.
///
/// Holds while a majority of nodes keeps its keys and clocks run at about the same speed. What breaks it: a
/// holder stopped past its lease; a node that restarts empty while its vote is needed; a jump of a node's
/// clock. It mints no fence. An even number of nodes is allowed and its majority is N/2 + 1: four nodes
/// survive the loss of one, as three do. One parallel round trip to all nodes per attempt and one to release;
/// no node is waited for longer than its port's time limit, and with a ``FinishingQueue`` none that is
/// slower than the majority. A purchase does not wait for the release then. Source: redis.io, "Distributed
/// Locks with Redis"; the objections: Martin Kleppmann, "How to do distributed locking", 2016.
public struct Redlock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let nodes: [LockNode<Redis>]
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy
    private let validity: LeaseValidity
    private let finishing: FinishingQueue?

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
                let votes = await poll(key, token, milliseconds, &evidence)
                let end = validity.end(asked: asked, timeToLive: timeToLive)
                let isInTime = clock.now < end
                if votes.granted.count >= quorum, isInTime, !Task.isCancelled {
                    return Lease(
                        key: key, token: token, fence: nil, validUntil: end, unreached: votes.unreached)
                }
                // A failed attempt leaves no key of ours: also not where the answer is missing.
                await withdraw(key, token, after: votes, &evidence)
                if Task.isCancelled {
                    throw StrategyError(.cancelled, "cancelled while acquiring \(key)")
                }
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
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        var cost = Evidence()
        let tally = await ask(nodes, Tally(), &cost) { node, cost throws(RedisError) in
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
                return .extended(lease.extended(to: end))
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
        let reached = reached(by: lease)
        // Where the grant never came there is nothing to release.
        let start = Tally(absent: nodes.count - reached.count)
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

    /// A node that the grant never reached is not asked.
    private func reached(by lease: Lease) -> [LockNode<Redis>] {
        nodes.indices.filter { !lease.unreached.contains($0) }.map { nodes[$0] }
    }

    // MARK: Acquiring

    private struct Ballot: Sendable {
        enum Vote: Sendable {
            case granted
            case taken
            case failed(RedisError)
        }

        /// The node's place among all.
        let place: Int
        let vote: Vote
        let cost: Evidence
    }

    private struct Votes: Sendable {
        var granted: [Int] = []
        /// Nodes whose answer is missing: they may hold the key.
        var unsure: [Int] = []
        /// Nodes that the command never reached.
        var unreached: Set<Int> = []
        var failed: [RedisError] = []
    }

    /// Asks all nodes at once; stops waiting as soon as the outcome is clear.
    private func poll(
        _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64, _ evidence: inout Evidence
    ) async -> Votes {
        await withTaskGroup(of: Ballot.self) { group in
            for (place, node) in nodes.enumerated() {
                group.addTask {
                    var cost = Evidence()
                    let vote = await Self.vote(of: node, key, token, milliseconds, &cost)
                    return Ballot(place: place, vote: vote, cost: cost)
                }
            }
            var votes = Votes()
            var isClear = false
            var taken = 0
            for await ballot in group {
                evidence = evidence + ballot.cost
                switch ballot.vote {
                case .granted:
                    votes.granted.append(ballot.place)
                case .taken:
                    taken += 1
                case .failed(let error):
                    if error.mayHaveBeenApplied {
                        votes.unsure.append(ballot.place)
                    } else {
                        votes.unreached.insert(ballot.place)
                    }
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
        if votes.granted.count >= quorum || votes.failed.count > nodes.count - quorum { return true }
        let isOutOfReach = taken + votes.failed.count > nodes.count - quorum
        return isOutOfReach && votes.granted.count + taken >= quorum
    }

    private static func vote(
        of node: LockNode<Redis>, _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64,
        _ evidence: inout Evidence
    ) async -> Ballot.Vote {
        do throws(RedisError) {
            return try await node.set(key, token, milliseconds, &evidence) ? .granted : .taken
        } catch {
            return .failed(error)
        }
    }

    /// Waits for the nodes that have answered already; those that have not may finish later.
    private func withdraw(
        _ key: LockKey, _ token: LeaseToken, after votes: Votes, _ evidence: inout Evidence
    ) async {
        var holders = votes.granted
        let rest: [FinishingQueue.Work] = votes.unsure.map { place in
            { [node = nodes[place]] in await node.takeBackLater(key, token) }
        }
        if finishing?.start(rest) ?? false {
            // Sent together with the others, one command each.
            evidence.commandsSent += rest.count
        } else {
            holders += votes.unsure
        }
        guard !holders.isEmpty else { return }
        await uncancelled(&evidence) { [nodes, holders] cost in
            await withTaskGroup(of: Evidence.self) { group in
                for place in holders {
                    group.addTask {
                        var cost = Evidence()
                        await nodes[place].takeBack(key, token, &cost)
                        return cost
                    }
                }
                for await part in group { cost = cost + part }
            }
        }
    }

    // MARK: Owned keys

    private typealias Command =
        @Sendable (LockNode<Redis>, inout Evidence) async throws(RedisError) -> NodeAnswer

    private typealias Answer = (answer: Result<NodeAnswer, RedisError>, cost: Evidence)

    private struct Tally: Sendable {
        var done = 0
        var notOwner = 0
        var absent = 0
        var failed: [RedisError] = []

        mutating func count(_ answer: Result<NodeAnswer, RedisError>) {
            switch answer {
            case .success(.done): done += 1
            case .success(.notOwner): notOwner += 1
            case .success(.absent): absent += 1
            case .failure(let error): failed.append(error)
            }
        }
    }

    /// Done by a majority, or a majority cannot have done it.
    private func isClear(_ tally: Tally) -> Bool {
        tally.done >= quorum || tally.notOwner + tally.absent > nodes.count - quorum
    }

    private static func answer(
        of node: LockNode<Redis>, to command: Command
    ) async -> Answer {
        var cost = Evidence()
        do throws(RedisError) {
            let answer = try await command(node, &cost)
            return (.success(answer), cost)
        } catch {
            return (.failure(error), cost)
        }
    }

    /// Asks nodes at once and waits for all of them.
    private func ask(
        _ asked: [LockNode<Redis>], _ start: Tally, _ evidence: inout Evidence, _ command: @escaping Command
    ) async -> Tally {
        await withTaskGroup(of: Answer.self) { group in
            for node in asked {
                group.addTask { await Self.answer(of: node, to: command) }
            }
            var tally = start
            for await (answer, cost) in group {
                evidence = evidence + cost
                tally.count(answer)
            }
            return tally
        }
    }

    /// Asks nodes at once and waits until the outcome is clear; the other nodes finish later.
    ///
    /// - Returns: Nil when the task was cancelled before; the commands go on all the same.
    private func askAtLeastMajority(
        _ asked: [LockNode<Redis>], _ start: Tally, _ evidence: inout Evidence, _ command: @escaping Command
    ) async -> Tally? {
        guard let finishing else { return await ask(asked, start, &evidence, command) }
        let (answers, sink) = AsyncStream.makeStream(of: Answer.self)
        let work: [FinishingQueue.Work] = asked.map { node in
            { sink.yield(await Self.answer(of: node, to: command)) }
        }
        guard finishing.start(work) else { return await ask(asked, start, &evidence, command) }
        var tally = start
        var missing = asked.count
        // Who has not answered was sent one command until now; what his answer leads to is sent later.
        defer { evidence.commandsSent += missing }
        for await (answer, cost) in answers {
            evidence = evidence + cost
            tally.count(answer)
            missing -= 1
            if missing == 0 || isClear(tally) { return tally }
        }
        return nil
    }

    /// What a majority says; an error where the nodes that failed could have made the majority.
    private func verdict(_ tally: Tally, during step: String) throws(StrategyError) -> NodeAnswer {
        if tally.done >= quorum { return .done }
        if let error = tally.failed.first, tally.done + tally.failed.count >= quorum {
            throw StrategyError(
                error, during: "\(step) on \(tally.failed.count) of \(nodes.count) lock nodes")
        }
        return tally.notOwner > tally.absent ? .notOwner : .absent
    }
}

extension Redlock: ReleasingBehind {
    package func releaseBehind(_ lease: Lease, _ evidence: inout Evidence) -> Bool {
        let reached = reached(by: lease)
        let work: [FinishingQueue.Work] = reached.map { node in
            {
                var uncounted = Evidence()
                _ = try? await node.release(lease.key, lease.token, &uncounted)
            }
        }
        guard let finishing, finishing.start(work) else { return false }
        // One command each; what their answers lead to is sent later.
        evidence.commandsSent += reached.count
        return true
    }
}

extension StrategyEntry {
    /// The strategy `redlock`: see ``Redlock``.
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
                validity: parts.validity, finishing: parts.finishing))
    }
}
