import LockStrategies
import Testing

@testable import lab_bench

@Suite("The plan of a run")
struct RunPlanTests {
    private func problems(_ options: RunOptions) -> [String] {
        do throws(PlanProblems) {
            _ = try RunPlan(options, seed: 1)
            return []
        } catch {
            return error.sentences
        }
    }

    @Test("is the promised one when nothing is given")
    func defaults() throws {
        let plan = try RunPlan(RunOptions(), seed: 7)
        #expect(plan.mode == .http)
        #expect(plan.users == 100)
        #expect(plan.duration == .seconds(10))
        #expect(plan.rounds == 3)
        #expect(plan.stock == 10_000_000)
        #expect(plan.seed == 7)
        #expect(plan.controls == [.unguarded])
        #expect(Set(plan.strategies + plan.controls) == Set(StrategyID.allCases))
    }

    @Test("is one round of 3 s when it is quick")
    func quick() throws {
        let plan = try RunPlan(RunOptions(isQuick: true), seed: 7)
        #expect(plan.rounds == 1)
        #expect(plan.duration == .seconds(3))
    }

    @Test("names every problem at once")
    func allProblems() {
        let found = problems(
            RunOptions(strategies: "lua-atomic,fast", users: 0, duration: .nan, rounds: -1, redis: "http://x")
        )
        #expect(found.count == 5)
        #expect(
            found.contains("--users must be from 1 to 10,000, not 0")
                || found.contains { $0.hasPrefix("--users must be from 1 to") })
    }

    @Test("names the known strategies when one is unknown")
    func unknownStrategy() throws {
        let sentence = try #require(problems(RunOptions(strategies: "fast")).first)
        #expect(sentence.contains("unknown strategy \"fast\""))
        for id in StrategyID.allCases { #expect(sentence.contains(id.rawValue)) }
    }

    @Test("names both modes when one is unknown")
    func unknownMode() {
        #expect(problems(RunOptions(mode: "fast")) == ["unknown mode \"fast\"; known are: http, direct"])
    }

    @Test(
        "refuses what contradicts itself or names nothing",
        arguments: [
            RunOptions(rounds: 5, isQuick: true), RunOptions(duration: 5, isQuick: true),
            RunOptions(strategies: ","), RunOptions(strategies: ""), RunOptions(output: ""),
            RunOptions(duration: 0), RunOptions(warmup: -1), RunOptions(stock: 0), RunOptions(users: 10_001),
            RunOptions(mode: "fast"), RunOptions(mode: "direct", serverBinary: "lab-server"),
            RunOptions(redis: "redis+cluster://127.0.0.1:1"), RunOptions(redis: "not a url"),
        ])
    func refused(options: RunOptions) {
        #expect(problems(options).count == 1)
    }

    @Test("never shows the password of the Redis URL in its command")
    func secret() throws {
        let plan = try RunPlan(RunOptions(redis: "redis://me:hunter2@127.0.0.1:7000/3"), seed: 1)
        #expect(!plan.command.contains("hunter2"))
        #expect(plan.command.contains("--redis redis://127.0.0.1:7000/3"))
    }

    @Test("names in its command the strategies, the seed, and what is no default")
    func command() throws {
        let chosen = "unguarded,lua-atomic"
        func command(_ options: RunOptions) throws -> String { try RunPlan(options, seed: 7).command }
        #expect(
            try command(RunOptions(strategies: chosen))
                == "./lab bench --strategies unguarded,lua-atomic --seed 7")
        #expect(
            try command(RunOptions(mode: "http", strategies: chosen))
                == "./lab bench --strategies unguarded,lua-atomic --seed 7")
        #expect(
            try command(RunOptions(mode: "direct", strategies: chosen))
                == "./lab bench --strategies unguarded,lua-atomic --mode direct --seed 7")
        #expect(
            try command(RunOptions(strategies: chosen, warmup: 2, isQuick: true))
                == "./lab bench --strategies unguarded,lua-atomic --quick --warmup 2 --seed 7")
        #expect(
            try command(
                RunOptions(strategies: chosen, users: 5, duration: 0.5, warmup: 0, rounds: 7, stock: 9))
                == "./lab bench --strategies unguarded,lua-atomic --users 5 --duration 0.5 --warmup 0 "
                + "--rounds 7 --stock 9 --seed 7")
    }

    @Test("has the same order for the same seed, and another one for another seed")
    func seeded() throws {
        let options = RunOptions(rounds: 20)
        let first = try RunPlan(options, seed: 1).schedule
        let again = try RunPlan(options, seed: 1).schedule
        let other = try RunPlan(options, seed: 2).schedule
        #expect(first == again)
        #expect(first != other)
    }

    @Test("runs controls once and first, then every strategy once in each round")
    func blocks() throws {
        let plan = try RunPlan(RunOptions(rounds: 4), seed: 3)
        let schedule = plan.schedule
        #expect(schedule.map(\.order) == Array(1...schedule.count))
        #expect(schedule.prefix(1).map(\.strategy) == [.unguarded])
        #expect(schedule[0].stock <= 2_000)
        #expect(schedule[0].duration <= .seconds(3))
        for block in 1...4 {
            let members = schedule.filter { $0.block == block }.map(\.strategy)
            #expect(members.count == plan.strategies.count)
            #expect(Set(members) == Set(plan.strategies))
        }
    }
}
