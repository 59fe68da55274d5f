package import BenchLoad
package import BenchModel
import FaultInjection
import InventoryService
package import LockStrategies
package import RedisClient

/// What `lab-bench run` will do: checked, complete, nothing left to default.
package struct RunPlan: Sendable, Equatable {
    /// Every default of `lab-bench run`.
    package struct Defaults: Sendable {
        package var users = 100
        package var duration = Duration.seconds(7)
        package var warmup = Duration.seconds(1)
        package var rounds = 3
        /// Rounds of the open model, when the run has both models.
        package var openRounds = 1
        /// Length of a trial of the open model, when the run has both models.
        var openDuration = Duration.seconds(4)
        /// Share of the slowest strategy's closed throughput that the open load offers when no rate is given.
        var openShare = 0.7
        package var stock = 10_000_000
        /// Exponent of the demand, when there are several products.
        package var skew = 1.0
        /// The cheapest hash: logins are set-up or a step that is measured apart, and the report says so.
        package var bcryptCost = 4
        /// How long a buyer waits for the lock.
        var purchaseDeadline = Duration.milliseconds(5000)
        /// Stock of the negative control, which must sell out.
        var controlStock = 2_000
        var longestControl = Duration.seconds(3)
        var quickDuration = Duration.seconds(3)
        var quickWarmup = Duration.seconds(1)
        /// Length of each load of a sweep, which is run once.
        var sweepDuration = Duration.seconds(3)

        package init() {}
    }

    package let mode: RunMode
    package let scenario: Scenario
    /// The products on sale, and how the demand is divided over them.
    let mix: ProductMix
    /// bcrypt cost of the passwords in the server of a trial.
    package let bcryptCost: Int
    /// The first one, then the open one when both run.
    package let models: [LoadModel]
    /// Rate of the open model; nil: a share of the slowest strategy's closed throughput.
    package let rate: Double?
    /// Given instead of one made from the seed.
    package let arrivals: ArrivalSchedule?
    /// Nil: one load, repeated.
    package let sweep: Sweep?
    let openDuration: Duration
    /// In the order asked for, without the negative controls.
    package let strategies: [StrategyEntry]
    package let controls: [StrategyEntry]
    package let users: Int
    package let duration: Duration
    package let warmup: Duration
    package let rounds: Int
    /// Rounds of the open model beside the closed one; 0 where there are not both.
    package let openRounds: Int
    package let seed: UInt64
    /// Units of each product.
    package let stock: Int
    let controlStock: Int
    let controlDuration: Duration
    let purchaseDeadline: Duration
    /// Leases and retries of the strategies.
    let policies: StrategySettings
    /// A server that is running already; nil: start one for each trial.
    package let target: LoadTarget?
    /// Nil: start one for each trial.
    package let redis: RedisEndpoint?
    /// lab-server processes in each trial, on this database.
    package let servers: Int
    package let database: LedgerEngine
    /// Nobody named strategies, and these cannot be measured: a sentence for each.
    package let leftOut: [String]
    /// The URL as typed, with its password, for the server's command line.
    let redisURL: Secret?
    /// Targets and noise floor.
    package let thresholds: Thresholds
    package let isQuick: Bool
    /// Nil: nothing is broken.
    package let strike: PlannedStrike?
    /// Locks in other languages.
    package let drivers: [PlannedDriver]
    /// A command that starts an echo driver.
    let echoDriver: [String]
    /// Parts of the system are loaded alone before the rounds.
    let hasCeilings: Bool
    package let isQuiet: Bool
    /// results.json on standard output, and nothing else there.
    package let isJSON: Bool
    /// The same load in the modes inside of this one, the innermost first: what a run in all modes measures
    /// beside each closed trial.
    package let layers: [RunPlan]

    /// Checks the options and fills in the defaults.
    ///
    /// - Parameters:
    ///   - seed: Taken when the options have none.
    ///   - registry: The strategies that may be named.
    /// - Throws: All problems at once.
    package init(
        _ options: RunOptions, seed: UInt64, from registry: StrategyRegistry = .builtIn,
        defaults: Defaults = Defaults()
    ) throws(PlanProblems) {
        var problems: [String] = []
        mode = Self.mode(options, &problems)
        scenario = Self.scenario(options, mode, &problems)
        mix = Self.mix(options, defaults, &problems)
        bcryptCost = Self.count(
            options.bcryptCost, "--bcrypt-cost", PasswordHasher.costs, defaults.bcryptCost, &problems)
        (servers, database) = Self.servers(options, mode, &problems)
        let named = Self.strategies(options, of: registry, mode, database, &problems)
        leftOut = Self.leftOut(options, of: registry, mode, database)
        sweep = Self.sweep(options, &problems)
        models = Self.models(options, sweep, &problems)
        rate = Self.rate(options, &problems)
        arrivals = options.scheduleIn
        users = Self.users(options, sweep, defaults, &problems)
        rounds = Self.count(
            options.rounds, "--rounds", 1...1_000, options.isQuick || sweep != nil ? 1 : defaults.rounds,
            &problems)
        openRounds = Self.openRounds(options, models, defaults, &problems)
        stock = Self.count(options.stock, "--stock", 1...1_000_000_000, defaults.stock, &problems)
        duration = Self.seconds(
            options.duration, "--duration", 0.1...3600,
            Self.standardDuration(options.isQuick, sweep, defaults), &problems)
        warmup = Self.seconds(
            options.warmup, "--warmup", 0...600,
            options.isQuick ? defaults.quickWarmup : defaults.warmup, &problems)
        // A fault has its place in both loads.
        openDuration =
            models.first == .closed && options.fault == nil
            ? min(duration, defaults.openDuration) : duration
        Self.check(options, &problems)
        strike = PlannedStrike(
            options, mode: mode, database, duration: duration, strategies: named, &problems)
        target = Self.target(options, mode, &problems)
        redis = Self.redis(options.redis, &problems)
        guard problems.isEmpty else { throw PlanProblems(sentences: problems) }
        strategies = named.filter { !$0.isNegativeControl }
        // An audit that was not seen to catch anybody proves nothing. A server that runs already has one
        // strategy.
        controls =
            target == nil
            ? registry.negativeControls : named.filter(\.isNegativeControl)
        self.seed = options.seed ?? seed
        // All products together have few enough to be sold.
        controlStock = max(min(stock, defaults.controlStock) / mix.count, 1)
        controlDuration = min(duration, defaults.longestControl)
        purchaseDeadline = defaults.purchaseDeadline
        policies = StrategySettings()
        redisURL = options.redis.map { Secret($0) }
        thresholds = options.thresholds
        (drivers, echoDriver) = (options.drivers, options.echoDriver)
        isQuiet = options.isQuiet || options.isJSON
        (isQuick, isJSON) = (options.isQuick, options.isJSON)
        hasCeilings = !options.isWithoutCeilings && options.fault == nil
        layers = try Self.layers(options, strategies, seed: self.seed, registry, defaults)
    }

    private static func users(
        _ options: RunOptions, _ sweep: Sweep?, _ defaults: Defaults, _ problems: inout [String]
    ) -> Int {
        if sweep == .users { return Sweep.userLoads.max() ?? 1 }
        return count(options.users, "--users", 1...10_000, defaults.users, &problems)
    }

    private static func check(_ options: RunOptions, _ problems: inout [String]) {
        if options.isQuick && (options.rounds != nil || options.duration != nil) {
            problems.append("--quick is 1 round of 3 s: leave out --rounds and --duration, or --quick")
        }
        if options.output == "" { problems.append("--output must name a directory") }
    }

    private static func openRounds(
        _ options: RunOptions, _ models: [LoadModel], _ defaults: Defaults, _ problems: inout [String]
    ) -> Int {
        let hasBoth = models.count > 1 && options.sweep == nil
        if options.openRounds != nil && !hasBoth {
            problems.append("--open-rounds is for a run with a closed and an open load: leave it out")
        }
        return hasBoth
            ? count(options.openRounds, "--open-rounds", 1...1_000, defaults.openRounds, &problems) : 0
    }

    private static func scenario(
        _ options: RunOptions, _ mode: RunMode, _ problems: inout [String]
    ) -> Scenario {
        guard let text = options.scenario else { return .purchase }
        guard let scenario = Scenario(rawValue: text) else {
            let known = Scenario.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append("unknown scenario \"\(text)\"; known are: \(known)")
            return .purchase
        }
        if scenario == .journey && mode.isOwnProcess {
            problems.append("--scenario journey is for --mode http: by calls nobody registers or logs in")
        }
        return scenario
    }

    private static func mix(
        _ options: RunOptions, _ defaults: Defaults, _ problems: inout [String]
    ) -> ProductMix {
        let count = count(options.products, "--products", 1...ProductMix.mostProducts, 1, &problems)
        if let skew = options.skew {
            // Also false for NaN.
            if !(0...10).contains(skew) {
                problems.append("--skew must be from 0 to 10, not \(Text.number(skew))")
            } else if count == 1 {
                problems.append("--skew divides the demand over several products: give --products too")
            }
        }
        guard (1...ProductMix.mostProducts).contains(count) else { return .one }
        return ProductMix(count: count, skew: count > 1 ? options.skew ?? defaults.skew : 0)
    }

    private static func mode(_ options: RunOptions, _ problems: inout [String]) -> RunMode {
        guard let text = options.mode else { return .http }
        if text == allModes {
            refuseBesideLayers(options, &problems)
            return .http
        }
        guard let mode = RunMode(rawValue: text) else {
            let known = (RunMode.allCases.map(\.rawValue) + [allModes]).joined(separator: ", ")
            problems.append("unknown mode \"\(text)\"; known are: \(known)")
            return .http
        }
        if mode.isOwnProcess && options.serverBinary != nil {
            problems.append("--server-binary is for --mode http: in \(text) mode there is no lab-server")
        }
        return mode
    }

    private static func sweep(_ options: RunOptions, _ problems: inout [String]) -> Sweep? {
        guard let text = options.sweep else { return nil }
        guard let sweep = Sweep(rawValue: text) else {
            let known = Sweep.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append("unknown sweep \"\(text)\"; known are: \(known)")
            return nil
        }
        let beside: [(String, Bool)] = [
            ("--model", options.model != nil), ("--schedule-in", options.scheduleIn != nil),
            ("--quick", options.isQuick), ("--users", sweep == .users && options.users != nil),
            ("--rate", sweep == .users && options.rate != nil),
        ]
        for (name, isGiven) in beside where isGiven {
            problems.append("--sweep \(text) chooses its loads itself: leave out \(name)")
        }
        return sweep
    }

    /// Length of the measured window, when none is given.
    static func standardDuration(_ isQuick: Bool, _ sweep: Sweep?, _ defaults: Defaults) -> Duration {
        if sweep != nil { return defaults.sweepDuration }
        return isQuick ? defaults.quickDuration : defaults.duration
    }

    private static func models(
        _ options: RunOptions, _ sweep: Sweep?, _ problems: inout [String]
    ) -> [LoadModel] {
        if sweep == .users { return [.closed] }
        if sweep == .rate { return options.rate == nil ? [.closed, .poisson] : [.poisson] }
        if let arrivals = options.scheduleIn {
            if let model = options.model, model != arrivals.model.rawValue {
                problems.append(
                    "--schedule-in holds a \(arrivals.model.rawValue) schedule: leave out --model")
            }
            return [arrivals.model]
        }
        guard let text = options.model, text != "both" else {
            return options.isQuick ? [.closed] : [.closed, .poisson]
        }
        if let model = LoadModel(rawValue: text) { return [model] }
        let known = (["both"] + LoadModel.allCases.map(\.rawValue)).joined(separator: ", ")
        problems.append("unknown model \"\(text)\"; known are: \(known)")
        return [.closed]
    }

    private static func rate(_ options: RunOptions, _ problems: inout [String]) -> Double? {
        if let arrivals = options.scheduleIn {
            if options.rate != nil { problems.append("--schedule-in has its own rate: leave out --rate") }
            return arrivals.ratePerSecond
        }
        if let rate = options.rate {
            // Also false for NaN.
            if !(0.1...200_000).contains(rate) {
                problems.append("--rate must be from 0.1 to 200,000 purchases/s, not \(Text.number(rate))")
            } else if options.model == LoadModel.closed.rawValue {
                problems.append("--rate is for an open model: a closed load takes the rate that it gets")
            }
            return rate
        }
        if let model = options.model.flatMap(LoadModel.init(rawValue:)), model.isOpen {
            problems.append("--model \(model.rawValue) needs --rate, in purchases per second")
        }
        return nil
    }

    private static func strategies(
        _ options: RunOptions, of given: StrategyRegistry, _ mode: RunMode, _ database: LedgerEngine,
        _ problems: inout [String]
    ) -> [StrategyEntry] {
        let registry = registry(given, options, mode, &problems)
        guard let text = options.strategies else {
            let added = given.entries.first { !$0.isBuiltIn }
            if let added, mode == .http { problems.append(unserved(added)) }
            return registry.entries.filter { $0.obstacle(in: mode, on: database) == nil }
        }
        let known = registry.names.joined(separator: ", ")
        var found: [StrategyEntry] = []
        for part in text.split(separator: ",") {
            let name = part.filter { !$0.isWhitespace }
            guard let strategy = registry.entry(named: name) else {
                problems.append(registry.complaint(about: name))
                continue
            }
            guard mode != .http || strategy.isBuiltIn else {
                // Drivers are complained about together.
                if given[strategy.id] != nil { problems.append(unserved(strategy)) }
                continue
            }
            // What a target runs is the target's affair.
            if options.target == nil, let obstacle = strategy.obstacle(in: mode, on: database) {
                problems.append(obstacle)
                continue
            }
            if !found.contains(strategy) { found.append(strategy) }
        }
        // A driver that is given is measured, named or not.
        for driver in options.drivers where !found.contains(driver.entry) { found.append(driver.entry) }
        if found.isEmpty && problems.isEmpty {
            problems.append("--strategies names none; known are: \(known)")
        }
        return found
    }

    /// Nobody asked for what cannot be measured here.
    private static func leftOut(
        _ options: RunOptions, of registry: StrategyRegistry, _ mode: RunMode, _ database: LedgerEngine
    ) -> [String] {
        guard options.strategies == nil, options.target == nil else { return [] }
        return registry.entries.compactMap { $0.obstacle(in: mode, on: database) }
    }

    private static func unserved(_ strategy: StrategyEntry) -> String {
        "a lab-server does not know \(strategy): measure it by --mode strategy or --mode direct, or name others by --strategies"
    }
}

extension RunPlan {
    /// Nil where strategies that passed their checks are ranked.
    var whyNothingIsRanked: String? {
        if isQuick { return "a quick run ranks nothing" }
        if sweep != nil { return "a sweep ranks nothing" }
        if let strike { return "a run with a fault (\(strike.fault.rawValue)) ranks nothing" }
        return rounds == 1 ? "one round ranks nothing" : nil
    }

    /// bcrypt cost of the passwords that are hashed while the load is measured; nil where none are, or a
    /// target hashes them.
    package var hashedCost: Int? { scenario == .journey && target == nil ? bcryptCost : nil }

    /// The highest rate that was named for an open load; nil: none was.
    var highestAskedRate: Double? {
        guard models.contains(where: \.isOpen) else { return nil }
        return rate.map { $0 * (sweep == .rate ? Sweep.rateShares.max() ?? 1 : 1) }
    }

    /// How the service of a trial sells. A lab-server of the bench gets the same by its flags and its own
    /// defaults.
    func settings(of strategy: StrategyEntry) -> ServiceSettings {
        ServiceSettings(strategy: strategy, patience: purchaseDeadline, policies: policies)
    }

    /// Two buyers at once are what a negative control needs to be caught, and many to be caught soon.
    package var controlUsers: Int { max(users, 20) }
}
