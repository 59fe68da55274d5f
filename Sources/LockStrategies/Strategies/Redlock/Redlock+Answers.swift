import RedisClient

/// What nodes answered that were asked to extend or to release. Not within the lock, as ``NodeVotes``.
struct NodeTally: Sendable {
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

/// How nodes are asked to extend a lease, or to release it.
extension Redlock {
    typealias Command =
        @Sendable (LockNode<Redis>, inout Evidence) async throws(RedisError) -> NodeAnswer

    private typealias Answer = (answer: Result<NodeAnswer, RedisError>, cost: Evidence)

    /// Done by a majority, or a majority cannot have done it.
    private func isClear(_ tally: NodeTally) -> Bool {
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
    func ask(
        _ asked: [LockNode<Redis>], _ start: NodeTally, _ evidence: inout Evidence,
        _ command: @escaping Command
    ) async -> NodeTally {
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
    func askAtLeastMajority(
        _ asked: [LockNode<Redis>], _ start: NodeTally, _ evidence: inout Evidence,
        _ command: @escaping Command
    ) async -> NodeTally? {
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
    func verdict(_ tally: NodeTally, during step: String) throws(StrategyError) -> NodeAnswer {
        if tally.done >= quorum { return .done }
        if let error = tally.failed.first, tally.done + tally.failed.count >= quorum {
            throw StrategyError(
                error, during: "\(step) on \(tally.failed.count) of \(nodes.count) lock nodes")
        }
        return tally.notOwner > tally.absent ? .notOwner : .absent
    }
}
