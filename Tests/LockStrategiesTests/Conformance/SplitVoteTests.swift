import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// Clause 33: three clients that keep taking one node each away from the others.
@Suite("Split votes")
struct SplitVoteTests {
    /// Makes the votes of the first rounds split: in each of them every client gets the node that bears its
    /// own number, because nobody asks a second node before all have got their first, and nobody hears an
    /// answer before all have asked all.
    private final class Splitter: Sendable {
        private struct State {
            /// Requests that have arrived and answers that were made, by round.
            var first: [Int: Int] = [:]
            var all: [Int: Int] = [:]
        }

        let rounds: Int
        private let state = Mutex(State())

        init(rounds: Int) {
            self.rounds = rounds
        }

        func vote(
            _ client: Int, _ node: Int, round: Int, _ ask: () async throws(RedisError) -> RESPValue
        ) async throws(RedisError) -> RESPValue {
            guard round <= rounds else { return try await ask() }
            if client != node { await wait { $0.first[round] == 3 } }
            let answer = try await ask()
            state.withLock { state in
                if client == node { state.first[round, default: 0] += 1 }
                state.all[round, default: 0] += 1
            }
            await wait { $0.all[round] == 9 }
            return answer
        }

        var splitRounds: Int { state.withLock { state in state.all.values.count { $0 == 9 } } }

        private func wait(_ isReached: @Sendable (borrowing State) -> Bool) async {
            // In a cancelled task too: a vote that is not waited for any more is still a vote of its round.
            while !state.withLock({ isReached($0) }) { await Task.yield() }
        }
    }

    @Test("33 · three clients whose votes split again and again: one wins within a few rounds")
    func oneWins() async throws {
        let splitRounds = 5
        let (outcomes, splitter) = try await Self.compete(splitRounds: splitRounds, retries: splitRounds + 20)
        #expect(splitter.splitRounds == splitRounds)
        let winners = outcomes.compactMap { outcome in
            if case .granted(_, let evidence) = outcome { evidence.attempts } else { nil }
        }
        #expect(winners.count == 1)
        let attempts = try #require(winners.first)
        #expect(attempts > splitRounds && attempts <= splitRounds + 10, "\(attempts)")
    }

    @Test("33 · the control: as long as every vote splits, nobody wins")
    func nobodyWins() async throws {
        let (outcomes, splitter) = try await Self.compete(splitRounds: 6, retries: 5)
        #expect(splitter.splitRounds == 6)
        #expect(
            outcomes.allSatisfy { outcome in
                if case .contended = outcome { true } else { false }
            })
    }

    private static func compete(
        splitRounds: Int, retries: Int
    ) async throws -> ([AcquireOutcome], Splitter) {
        let splitter = Splitter(rounds: splitRounds)
        let nodes = (0..<3).map { _ in ScriptedLockNode(.free) }
        let ports = nodes.map(\.redis)
        let outcomes = try await withThrowingTaskGroup(of: AcquireOutcome.self) { group in
            for client in 0..<3 {
                let lockNodes = ports.enumerated().map { number, port in
                    let round = Atomic(0)
                    let redis = ScriptedRedis { call throws(RedisError) in
                        guard case .command(let words) = call else { return .integer(0) }
                        let command = RedisCommand(words[0], Array(words.dropFirst()))
                        guard words[0] == "SET" else { return try await port.send(command) }
                        let now = round.add(1, ordering: .sequentiallyConsistent).newValue
                        return try await splitter.vote(client, number, round: now) { () throws(RedisError) in
                            try await port.send(command)
                        }
                    }
                    return LockNode(name: "node \(number)", redis: redis)
                }
                let policy = RetryPolicy(
                    delay: StrategySettings().retry(of: .redlock).delay, maximumRetries: retries)
                let lock = try Redlock(
                    nodes: lockNodes, clock: ContinuousClock(), random: .seeded(UInt64(client)),
                    retry: policy, validity: LeaseValidity())
                group.addTask {
                    try await lock.acquire(
                        LockKey("a"), timeToLive: .seconds(600), deadline: .now + .seconds(600))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        return (outcomes, splitter)
    }
}
