import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Clauses that need processes which take and give back locks as fast as they can.
@Suite("Tokens, and processes that die")
struct TokenTests {
    @Test("7 · the tokens of 100,000 acquisitions by every strategy in four processes are all different")
    func unique() async throws {
        let rounds = 100_000 / (4 * StrategyLab.leases.count)
        try await StrategyLab.run(for: .luaAtomic) { lab in
            for id in StrategyLab.leases {
                let workers = try await (1...4).asyncMap { number in
                    try await Self.churn(id, lab, key: "lock:\(number)", rounds: rounds)
                }
                for worker in workers {
                    #expect(await worker.waitUntilExit().isSuccess, "\(id): \(worker.lines().suffix(3))")
                }
            }
            #expect(try await lab.stock.send(RedisCommand("SCARD", "tokens")) == .integer(100_000))
        }
    }

    @Test(
        "13 · processes killed at random moments never leave a key without a time to live",
        arguments: StrategyLab.leases)
    func killedAtRandom(id: StrategyEntry) async throws {
        let seed: UInt64 = 20_260_722
        let random = RandomSource.seeded(seed)
        try await StrategyLab.run(for: .luaAtomic) { lab in
            var leftBehind = 0
            for round in 1...15 {
                let worker = try await Self.churn(id, lab, key: "lock", rounds: 1_000_000)
                _ = try #require(await worker.line(within: .seconds(60)) { $0 == "churning" })
                // The moment of death, drawn from the seed; nothing waits for it.
                try await Task.sleep(for: random.duration(upTo: .milliseconds(40)))
                await worker.killNow()
                let names = try await lab.stock.send(RedisCommand("KEYS", "lock*")).array ?? []
                for name in names.compactMap(\.string) {
                    leftBehind += 1
                    let left = try await lab.stock.send(RedisCommand("PTTL", name)).integer ?? 0
                    #expect(left != -1, "seed \(seed), round \(round): \(name) stays for ever")
                    _ = try await lab.stock.send(RedisCommand("DEL", name))
                }
            }
            #expect(leftBehind > 0, "nobody died inside a lock, so nothing was tested")
        }
    }

    /// One Redis is all that even a quorum needs here: the tokens are the lock's own.
    private static func churn(
        _ id: StrategyEntry, _ lab: StrategyLab, key: String, rounds: Int
    ) async throws -> ChildProcess {
        try await ChildProcess.start(
            try BuiltProgram.path("lock-worker"),
            ["churn", id.name, key, "tokens", String(rounds), "\(lab.server.url),\(lab.server.url)"])
    }
}

extension ClosedRange<Int> {
    fileprivate func asyncMap<Value>(_ transform: (Int) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for number in self { values.append(try await transform(number)) }
        return values
    }
}
