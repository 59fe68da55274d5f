import FaultInjection
import Foundation
import LabProcesses
import RedisClient
import Testing

@Suite("The stage of a fault", .serialized, .timeLimit(.minutes(3)))
struct FaultStageTests {
    /// Nobody buys.
    private struct Nobody: FaultVictims {
        var count: Int { 0 }
        func pause(_ number: Int) {}
        func resume(_ number: Int) {}
        func kill(_ number: Int) async {}
        func losePower(_ number: Int) async throws {}
        func start(_ number: Int) async throws {}
        func setRoom(_ bytes: Int64?) throws {}
    }

    private func with(
        _ fault: Fault, needsNodes: Bool = false, _ body: (FaultStage, RedisClient) async throws -> Void
    ) async throws {
        let stage = try await FaultStage.open(fault, needsNodes: needsNodes)
        let endpoint = try RedisEndpoint(parsing: stage.urls[0])
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(1), command: .seconds(2)))
        do {
            try await body(stage, client)
        } catch {
            await client.close()
            await stage.close()
            throw error
        }
        await client.close()
        await stage.close()
    }

    private func strike(_ stage: FaultStage, for time: Duration = .milliseconds(400)) async throws {
        var random = SystemRandomNumberGenerator()
        try await stage.strike(
            Nobody(), FaultTiming(lasts: time, lease: .milliseconds(200), stop: time), random: &random)
    }

    @Test("makes replies late, and lets them come in their order again afterwards")
    func delay() async throws {
        try await with(.delay) { stage, client in
            _ = try await client.send(RedisCommand("SET", "n", "0"))
            let striking = Task { try await strike(stage) }
            try await Task.sleep(for: .milliseconds(100))
            let begin = ContinuousClock.now
            let one = try await client.send(RedisCommand("INCR", "n")).integer
            #expect(ContinuousClock.now - begin >= .milliseconds(20))
            // More than one is on its way when the fault ends.
            let replies = try await withThrowingTaskGroup(of: Int64?.self) { group in
                for _ in 0..<50 { group.addTask { try await client.send(RedisCommand("INCR", "n")).integer } }
                return try await group.reduce(into: Set<Int64>()) { if let number = $1 { $0.insert(number) } }
            }
            try await striking.value
            #expect(one == 1 && replies == Set(2...51))
        }
    }

    @Test("breaks the connections of the first server alone, and leads all of them to a Redis that moves")
    func servers() async throws {
        try await with(.reset, needsNodes: true) { stage, _ in
            let (first, second) = (stage.urls(ofServer: 0), stage.urls(ofServer: 1))
            #expect(first == stage.urls && first.count == second.count)
            #expect(Set(first).isDisjoint(with: second))
            #expect(second == ([stage.stock] + stage.nodes).map(\.url))
        }
        try await with(.failoverLostWrite) { stage, _ in
            #expect(stage.urls(ofServer: 1) == stage.urls)
        }
    }

    @Test("loses what was acknowledged when a replica that was cut off takes over")
    func failover() async throws {
        try await with(.failoverLostWrite) { stage, client in
            _ = try await client.send(RedisCommand("SET", "early", "1"))
            try await Task.sleep(for: .milliseconds(300))
            let striking = Task { try await strike(stage, for: .milliseconds(800)) }
            try await Task.sleep(for: .milliseconds(150))
            #expect(try await client.send(RedisCommand("SET", "late", "1")).string == "OK")
            try await striking.value
            let after = RedisClient(
                stage.stockEndpoint, limits: .init(connect: .seconds(1), command: .seconds(2)))
            #expect(try await after.send(RedisCommand("EXISTS", "early")).integer == 1)
            #expect(try await after.send(RedisCommand("EXISTS", "late")).integer == 0)
            await after.close()
        }
    }

    @Test("takes from a Redis that syncs every second what it had not synced, and only that")
    func powerCut() async throws {
        try await with(.powerCut) { stage, client in
            _ = try await client.send(RedisCommand("SET", "early", "1"))
            // It syncs once a second.
            try await Task.sleep(for: .milliseconds(2_500))
            var last = 0
            let striking = Task {
                try await Task.sleep(for: .milliseconds(300))
                try await strike(stage)
            }
            while (try? await client.send(RedisCommand("SET", "late:\(last + 1)", "1"))) != nil { last += 1 }
            try await striking.value
            let after = RedisClient(
                stage.stockEndpoint, limits: .init(connect: .seconds(1), command: .seconds(2)))
            #expect(try await after.send(RedisCommand("EXISTS", "early")).integer == 1)
            #expect(last > 0)
            #expect(try await after.send(RedisCommand("EXISTS", "late:\(last)")).integer == 0)
            await after.close()
        }
    }

    @Test(
        "brings everything back that it broke", arguments: [Fault.outOfMemory, .readOnly, .halfOpen, .reset])
    func healed(fault: Fault) async throws {
        try await with(fault) { stage, client in
            let striking = Task { try await strike(stage) }
            try await Task.sleep(for: .milliseconds(150))
            var failures = 0
            for _ in 0..<3 {
                do { _ = try await client.send(RedisCommand("SET", "a", "1")) } catch { failures += 1 }
                try await Task.sleep(for: .milliseconds(20))
            }
            try await striking.value
            #expect(failures > 0 || fault == .reset)
            for _ in 0..<50 {
                if (try? await client.send(RedisCommand("SET", "b", "1"))) != nil { return }
                try await Task.sleep(for: .milliseconds(100))
            }
            Issue.record("Redis cannot be written to after \(fault.rawValue)")
        }
    }

    @Test("lets the wall clock of one lock node jump, and only that one's")
    func clock() async throws {
        try await with(.clockJump, needsNodes: true) { stage, _ in
            try await strike(stage)
            var ahead: [Bool] = []
            for server in [stage.stock] + stage.nodes {
                let client = RedisClient(
                    server.endpoint, limits: .init(connect: .seconds(1), command: .seconds(2)))
                let seconds = try await client.send(RedisCommand("TIME")).array?.first?.integer ?? 0
                ahead.append(Double(seconds) > Date().timeIntervalSince1970 + 0.5)
                await client.close()
            }
            #expect(ahead == [false, true, false, false, false, false])
        }
    }
}
