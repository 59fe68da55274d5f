import BenchLoad
import BenchModel
import LockStrategies
import Testing

@testable import BenchRun

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
        #expect(plan.duration == .seconds(7))
        #expect(plan.rounds == 3)
        #expect(plan.stock == 10_000_000)
        #expect(plan.seed == 7)
        #expect(plan.controls == [.unguarded])
        let here = StrategyRegistry.builtIn.entries.filter { !$0.needsPostgres }
        #expect(Set(plan.strategies + plan.controls) == Set(here))
        #expect(
            plan.leftOut == ["pg-advisory takes its lock in PostgreSQL: give --database postgres"])
    }

    @Test(
        "has what takes its lock in PostgreSQL beside one, in every mode, and refuses it without one by name",
        arguments: ["http", "direct", "strategy"])
    func postgresLocks(mode: String) throws {
        let plan = try RunPlan(RunOptions(mode: mode, database: "postgres"), seed: 7)
        #expect(plan.database == .postgres && plan.strategies.contains(.pgAdvisory))
        #expect(plan.command.contains("--database postgres"))
        let sqlRow = "sql-row keeps its stock in the ledger, and --mode strategy has none"
        #expect(plan.leftOut == (mode == "strategy" ? [sqlRow] : []))
        let named = RunOptions(mode: mode, strategies: "pg-advisory,lua-atomic")
        #expect(problems(named) == ["pg-advisory takes its lock in PostgreSQL: give --database postgres"])
        // What somebody names is measured or refused, and nothing is left out.
        let others = try RunPlan(RunOptions(mode: mode, strategies: "lua-atomic"), seed: 7)
        #expect(others.leftOut.isEmpty && others.strategies == [.luaAtomic])
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
        for name in StrategyRegistry.builtIn.names { #expect(sentence.contains(name)) }
    }

    @Test("names the modes when one is unknown")
    func unknownMode() {
        #expect(
            problems(RunOptions(mode: "fast")) == [
                "unknown mode \"fast\"; known are: http, direct, strategy, all"
            ])
    }

    @Test("is a closed load, then a Poisson one, unless a model is named")
    func models() throws {
        func models(_ options: RunOptions) throws -> [LoadModel] { try RunPlan(options, seed: 1).models }
        #expect(try models(RunOptions()) == [.closed, .poisson])
        #expect(try models(RunOptions(isQuick: true)) == [.closed])
        #expect(try models(RunOptions(model: "closed")) == [.closed])
        #expect(try models(RunOptions(model: "constant", rate: 10)) == [.constant])
        #expect(try models(RunOptions(model: "both", rate: 10)) == [.closed, .poisson])
    }

    @Test("offers every strategy the same arrivals, and other ones in another round")
    func arrivals() throws {
        let plan = try RunPlan(RunOptions(model: "poisson", rate: 10, rounds: 2), seed: 1)
        let trials = plan.schedule.filter { !$0.isControl }
        for block in 1...2 {
            let schedules = trials.filter { $0.block == block }.map(plan.arrivals)
            #expect(schedules.allSatisfy { $0 == schedules[0] && $0 != nil })
        }
        #expect(plan.arrivals(of: trials[0]) != plan.arrivals(of: trials[trials.count - 1]))
        #expect(plan.schedule.filter(\.isControl).allSatisfy { plan.arrivals(of: $0) == nil })
    }

    @Test("replays a schedule that was exported")
    func replay() throws {
        let written = ArrivalSchedule(.constant, ratePerSecond: 20, length: .seconds(1), seed: 9)
        let plan = try RunPlan(RunOptions(scheduleIn: written), seed: 1)
        #expect(plan.models == [.constant])
        #expect(plan.rate == 20)
        let trial = try #require(plan.schedule.last)
        #expect(plan.arrivals(of: trial) == written)
    }

    @Test("runs every strategy once at one rate after the closed rounds")
    func openRound() throws {
        let plan = try RunPlan(RunOptions(), seed: 1)
        let open = plan.openSchedule(rate: 100)
        #expect(Set(open.map(\.strategy)) == Set(plan.strategies))
        #expect(open.allSatisfy { $0.rate == 100 && $0.model == .poisson })
        #expect((plan.schedule + open).map(\.order) == Array(1...plan.trialCount))
        #expect(plan.expectedTime <= .seconds(360))
        #expect(plan.openRounds == 1)
    }

    @Test(
        "repeats the open load in rounds where that is asked for, each in an order and at moments of its own")
    func openRounds() throws {
        let plan = try RunPlan(RunOptions(openRounds: 3), seed: 1)
        let open = plan.openSchedule(rate: 100)
        #expect(open.map(\.block) == (1...3).flatMap { Array(repeating: $0, count: plan.strategies.count) })
        #expect((plan.schedule + open).map(\.order) == Array(1...plan.trialCount))
        let orders = Dictionary(grouping: open, by: \.block).values.map { $0.map(\.strategy) }
        #expect(Set(orders).count == 3)
        #expect(plan.arrivals(of: open[0]) != plan.arrivals(of: try #require(open.last)))
        #expect(plan.command.contains("--open-rounds 3"))
        for options in [
            RunOptions(model: "closed", openRounds: 2), RunOptions(openRounds: 2, isQuick: true),
            RunOptions(sweep: "users", openRounds: 2), RunOptions(openRounds: 0),
        ] {
            #expect(throws: PlanProblems.self) { _ = try RunPlan(options, seed: 1) }
        }
    }

    @Test(
        "refuses what contradicts itself or names nothing",
        arguments: [
            RunOptions(rounds: 5, isQuick: true), RunOptions(duration: 5, isQuick: true),
            RunOptions(strategies: ","), RunOptions(strategies: ""), RunOptions(output: ""),
            RunOptions(duration: 0), RunOptions(warmup: -1), RunOptions(stock: 0), RunOptions(users: 10_001),
            RunOptions(model: "fast"), RunOptions(model: "poisson"), RunOptions(model: "constant", rate: 0),
            RunOptions(model: "closed", rate: 5), RunOptions(rate: .nan),
            RunOptions(mode: "fast"), RunOptions(mode: "direct", serverBinary: "lab-server"),
            RunOptions(scenario: "browse"), RunOptions(mode: "direct", scenario: "journey"),
            RunOptions(products: 0), RunOptions(products: 1_001), RunOptions(skew: 1),
            RunOptions(products: 2, skew: -1), RunOptions(products: 2, skew: .nan), RunOptions(bcryptCost: 3),
            RunOptions(target: "127.0.0.1:1"), RunOptions(target: "ftp://127.0.0.1:1"),
            RunOptions(target: "http://h", targetAuthorities: "ca.pem"),
            RunOptions(target: "http://127.0.0.1:1/api"), RunOptions(mode: "direct", target: "http://h:1"),
            RunOptions(redis: "redis://127.0.0.1:1", target: "http://h:1"),
            RunOptions(serverBinary: "x", target: "http://h:1"),
            RunOptions(bcryptCost: 5, target: "http://h"),
            RunOptions(redis: "redis+cluster://127.0.0.1:1"), RunOptions(redis: "not a url"),
        ])
    func refused(options: RunOptions) {
        #expect(problems(options).count == 1)
    }

    @Test(
        "reads a target as people type it",
        arguments: [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"), ("http://shop.example/", "shop.example:80"),
            ("http://[::1]:81", "[::1]:81"),
        ])
    func target(url: String, authority: String) throws {
        let plan = try RunPlan(RunOptions(strategies: "lua-atomic", target: url), seed: 1)
        #expect(plan.target?.authority == authority)
        #expect(plan.command.contains("--target http://\(authority)"))
    }

    @Test("loads each part of the system alone first, where there is such a part and time for it")
    func ceilings() throws {
        func ceilings(_ options: RunOptions) throws -> [Ceiling] { try RunPlan(options, seed: 1).ceilings }
        #expect(try ceilings(RunOptions()) == Ceiling.allCases)
        #expect(try ceilings(RunOptions(mode: "direct")) == [.redisOnly, .sqliteOnly, .noLock])
        #expect(try ceilings(RunOptions(target: "http://h")) == [.bareHTTP])
        #expect(try ceilings(RunOptions(isQuick: true)).isEmpty)
        #expect(try ceilings(RunOptions(isWithoutCeilings: true)).isEmpty)
        #expect(try RunPlan(RunOptions(isWithoutCeilings: true), seed: 1).command.contains("--no-ceilings"))
        let short = try RunPlan(RunOptions(duration: 0.25), seed: 1)
        #expect(short.ceilingDuration == .milliseconds(250) && short.ceilingWarmup == .milliseconds(250))
    }

    @Test("names its folder after scenario, mode and target")
    func folder() throws {
        func word(_ options: RunOptions) throws -> String { try RunPlan(options, seed: 1).folderWord }
        #expect(try word(RunOptions()) == "purchase")
        #expect(try word(RunOptions(mode: "direct")) == "purchase-direct")
        #expect(try word(RunOptions(scenario: "journey", target: "http://h")) == "journey-target")
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

    @Test("Several servers share a PostgreSQL, also when nobody names it")
    func servers() throws {
        let one = try RunPlan(RunOptions(), seed: 1)
        #expect(one.servers == 1 && one.database == .sqlite)
        let two = try RunPlan(RunOptions(servers: 2), seed: 1)
        #expect(two.servers == 2 && two.database == .postgres)
        #expect(two.command.contains(" --servers 2 --database postgres"))
        #expect(two.ceilings == [.redisOnly])
        #expect(two.expectedTime > one.expectedTime - one.ceilingTime)
        let single = try RunPlan(RunOptions(database: "postgres"), seed: 1)
        #expect(single.servers == 1 && single.ceilings == [.bareHTTP, .redisOnly])
        let named = try RunPlan(RunOptions(servers: 1, database: "sqlite"), seed: 1)
        #expect(named.command == one.command)
    }

    @Test(
        "Servers that cannot be are refused with one sentence",
        arguments: [
            (RunOptions(servers: 0), "--servers must be from 1 to 16, not 0"),
            (
                RunOptions(servers: 2, database: "sqlite"),
                "--servers 2 needs --database postgres: one server writes a SQLite file"
            ),
            (RunOptions(database: "mysql"), "unknown database \"mysql\"; known are: sqlite, postgres"),
            (
                RunOptions(mode: "direct", servers: 2),
                "--servers is for --mode http: in direct mode there is no lab-server"
            ),
            (
                RunOptions(servers: 2, target: "http://127.0.0.1:1"),
                "--servers is for servers that the bench starts: leave it out with --target"
            ),
        ])
    func wrongServers(options: RunOptions, sentence: String) {
        #expect(problems(options) == [sentence])
    }

    @Test("in all modes has the same closed load in each mode that can measure a strategy")
    func allModes() throws {
        let options = RunOptions(
            mode: "all", rate: 50, strategies: "unguarded,sql-row,lua-atomic", users: 7, rounds: 4,
            servers: 1, database: "sqlite")
        let plan = try RunPlan(options, seed: 7)
        #expect(plan.mode == .http && plan.rate == 50 && plan.models == [.closed, .poisson])
        #expect(plan.layers.map(\.mode) == [.strategy, .direct])
        #expect(
            plan.layers.map { $0.strategies.map(\.name) } == [["lua-atomic"], ["sql-row", "lua-atomic"]])
        for inner in plan.layers {
            #expect(inner.models == [.closed] && inner.users == 7 && inner.rounds == 4)
            #expect(inner.seed == plan.seed && !inner.hasCeilings && inner.layers.isEmpty)
        }
        #expect(plan.command.contains(" --mode all ") && plan.folderWord == "purchase-modes")
        let alone = try RunPlan(RunOptions(mode: "all", strategies: "sql-row"), seed: 1)
        #expect(alone.layers.map(\.mode) == [.direct])
    }

    @Test(
        "in all modes refuses what has no like without HTTP",
        arguments: [
            (RunOptions(mode: "all", servers: 2), "--servers"),
            (RunOptions(mode: "all", database: "postgres"), "--database"),
            (RunOptions(mode: "all", scenario: "journey"), "--scenario"),
            (RunOptions(mode: "all", sweep: "users"), "--sweep"),
            (RunOptions(mode: "all", fault: "pause-redis"), "--fault"),
            (RunOptions(mode: "all", model: "poisson", rate: 9), "--model poisson"),
            (RunOptions(mode: "all", target: "http://127.0.0.1:1"), "--target"),
        ])
    func besideAllModes(options: RunOptions, name: String) {
        #expect(
            problems(options) == [
                "--mode all compares a closed load over HTTP with the same one without: leave out \(name)"
            ])
    }
}
