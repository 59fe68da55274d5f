import RedisClient

/// What the nodes said to one try. Not within the lock, whose type has parameters: each access would look up
/// the type.
struct NodeVotes: Sendable {
    var granted: [Int] = []
    /// Nodes whose answer is missing: they may hold the key.
    var unsure: [Int] = []
    /// Nodes that the command never reached.
    var unreached: Set<Int> = []
    var failed: [RedisError] = []
}

/// What one node says to a try.
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

/// How the nodes are asked for a lock, and how a try that failed is taken back.
extension Redlock {
    /// Asks all nodes at once; stops waiting as soon as the outcome is clear.
    func poll(
        _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64, _ evidence: inout Evidence
    ) async -> NodeVotes {
        await withTaskGroup(of: Ballot.self) { group in
            for (place, node) in nodes.enumerated() {
                // At once, so that a request leaves in one piece with the release that let it ask.
                group.addImmediateTask {
                    var cost = Evidence()
                    let vote = await Self.vote(of: node, key, token, milliseconds, &cost)
                    return Ballot(place: place, vote: vote, cost: cost)
                }
            }
            var votes = NodeVotes()
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
    private func isClearAfter(_ votes: NodeVotes, taken: Int) -> Bool {
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
    func withdraw(
        _ key: LockKey, _ token: LeaseToken, after votes: NodeVotes, _ evidence: inout Evidence
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
                    group.addImmediateTask {
                        var cost = Evidence()
                        await nodes[place].takeBack(key, token, &cost)
                        return cost
                    }
                }
                for await part in group { cost = cost + part }
            }
        }
    }
}
