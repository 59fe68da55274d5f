import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Locks on a Redis that did not answer and is left alone: no new work is begun there, and what was begun is
/// finished.
@Suite("A Redis that is left alone", .timeLimit(.minutes(10)))
struct LeftAloneTests {
    private static let key = LockKey("lock:{1}")

    /// One silent call opens the circuit, for longer than the test takes.
    private static let limits = RedisClient.Limits(
        connect: .seconds(60), command: .seconds(3),
        circuit: .init(silentCalls: 1, pauseBase: .seconds(3600), pauseCap: .seconds(3600)))

    private func evals(_ lab: StrategyLab) async throws -> [Int] {
        var counts: [Int] = []
        for server in lab.lockServers {
            let text = try await server.send(RedisCommand("INFO", "commandstats")).string ?? ""
            let line = text.firstMatch(of: /cmdstat_eval:calls=([0-9]+)/)
            counts.append(line.flatMap { Int($0.1) } ?? 0)
        }
        return counts
    }

    @Test("24 · still gets what takes back a grant that nobody saw", arguments: StrategyLab.leases)
    func takesBack(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder(limits: Self.limits).lock(id))
            // Connections and scripts are there before it falls silent.
            let warm = try await lock.granted(LockKey("lock:{2}"), timeToLive: .seconds(600))
            #expect(try await lock.release(warm) == .released)
            let before = try await evals(lab)
            for server in [lab.server] + lab.nodes { server.pause() }
            await #expect(throws: StrategyError.self) {
                try await lock.acquire(Self.key, timeToLive: .seconds(600), deadline: .now)
            }
            for server in [lab.server] + lab.nodes { server.resume() }
            try await waitUntil { try await zip(evals(lab), before).allSatisfy { $0 > $1 } }
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("30 · still gets the release of a holder, and nobody's new attempt", arguments: StrategyLab.leases)
    func releases(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder(limits: Self.limits).lock(id))
            let lease = try await lock.granted(Self.key, timeToLive: .seconds(600))
            for server in [lab.server] + lab.nodes { server.pause() }
            await #expect(throws: StrategyError.self) {
                try await lock.acquire(LockKey("lock:{2}"), timeToLive: .seconds(600), deadline: .now)
            }
            for server in [lab.server] + lab.nodes { server.resume() }
            let refused = await #expect(throws: StrategyError.self) {
                try await lock.acquire(LockKey("lock:{3}"), timeToLive: .seconds(600), deadline: .now)
            }
            #expect(refused?.code == .unavailable)
            // The connection that was silent may be given up beside the first release; the next one has
            // another.
            try await waitUntil {
                do throws(StrategyError) {
                    return [.released, .absent].contains(try await lock.release(lease))
                } catch {
                    #expect(error.code != .unavailable, "\(error)")
                    return false
                }
            }
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("30 · is asked for nobody's new reservation, by no strategy", arguments: StrategyLab.real)
    func asksNobody(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let strategy = try lab.builder(limits: Self.limits).strategy(id)
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            // Connections and scripts are there before it falls silent.
            _ = try await strategy.reserve(lab.reservation(of: product))
            for server in [lab.server] + lab.nodes { server.pause() }
            await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: product))
            }
            for server in [lab.server] + lab.nodes { server.resume() }
            let refused = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: product))
            }
            #expect(refused?.code == .unavailable)
        }
    }
}
