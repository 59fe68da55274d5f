import LockStrategies
import RedisClient

/// What `lab-bench run` will do: checked, complete, nothing left to default.
struct RunPlan: Sendable, Equatable {
    /// Every default of `lab-bench run`.
    struct Defaults: Sendable {
        var users = 100
        var duration = Duration.seconds(10)
        var warmup = Duration.seconds(2)
        var rounds = 3
        var stock = 10_000_000
        /// How long a buyer waits for the lock.
        var purchaseDeadline = Duration.milliseconds(5000)
        /// Of the negative control, which must sell out.
        var controlStock = 2_000
        var longestControl = Duration.seconds(3)
        var quickDuration = Duration.seconds(3)
        var quickWarmup = Duration.seconds(1)
    }

    let mode: RunMode
    /// In the order asked for, without the negative controls.
    let strategies: [StrategyID]
    let controls: [StrategyID]
    let users: Int
    let duration: Duration
    let warmup: Duration
    let rounds: Int
    let seed: UInt64
    let stock: Int
    let controlStock: Int
    let controlDuration: Duration
    let purchaseDeadline: Duration
    /// Nil: start one for each trial.
    let redis: RedisEndpoint?
    /// The URL as typed, with its password, for the server's command line.
    let redisURL: Secret?
    let isQuick: Bool
    let isQuiet: Bool

    /// Checks the options and fills in the defaults.
    ///
    /// - Parameter seed: Taken when the options have none.
    /// - Throws: All problems at once.
    init(
        _ options: RunOptions, seed: UInt64, defaults: Defaults = Defaults()
    ) throws(PlanProblems) {
        var problems: [String] = []
        mode = Self.mode(options.mode, &problems)
        if mode == .direct && options.serverBinary != nil {
            problems.append("--server-binary is for --mode http: in direct mode there is no lab-server")
        }
        let named = Self.strategies(options.strategies, &problems)
        users = Self.count(options.users, "--users", 1...10_000, defaults.users, &problems)
        rounds = Self.count(
            options.rounds, "--rounds", 1...1_000, options.isQuick ? 1 : defaults.rounds, &problems)
        stock = Self.count(options.stock, "--stock", 1...1_000_000_000, defaults.stock, &problems)
        duration = Self.seconds(
            options.duration, "--duration", 0.1...3600,
            options.isQuick ? defaults.quickDuration : defaults.duration, &problems)
        warmup = Self.seconds(
            options.warmup, "--warmup", 0...600,
            options.isQuick ? defaults.quickWarmup : defaults.warmup, &problems)
        if options.isQuick && (options.rounds != nil || options.duration != nil) {
            problems.append("--quick is 1 round of 3 s: leave out --rounds and --duration, or --quick")
        }
        redis = Self.redis(options.redis, &problems)
        if options.output == "" { problems.append("--output must name a directory") }
        guard problems.isEmpty else { throw PlanProblems(sentences: problems) }
        strategies = named.filter { !$0.isNegativeControl }
        controls = named.filter(\.isNegativeControl)
        self.seed = options.seed ?? seed
        controlStock = min(stock, defaults.controlStock)
        controlDuration = min(duration, defaults.longestControl)
        purchaseDeadline = defaults.purchaseDeadline
        redisURL = options.redis.map { Secret($0) }
        isQuick = options.isQuick
        isQuiet = options.isQuiet
    }

    private static func mode(_ text: String?, _ problems: inout [String]) -> RunMode {
        guard let text else { return .http }
        if let mode = RunMode(rawValue: text) { return mode }
        let known = RunMode.allCases.map(\.rawValue).joined(separator: ", ")
        problems.append("unknown mode \"\(text)\"; known are: \(known)")
        return .http
    }

    private static func strategies(_ text: String?, _ problems: inout [String]) -> [StrategyID] {
        guard let text else { return StrategyID.allCases }
        let known = StrategyID.allCases.map(\.rawValue).joined(separator: ", ")
        var found: [StrategyID] = []
        for part in text.split(separator: ",") {
            let name = part.filter { !$0.isWhitespace }
            guard let id = StrategyID(rawValue: name) else {
                problems.append("unknown strategy \"\(name)\"; known are: \(known)")
                continue
            }
            if !found.contains(id) { found.append(id) }
        }
        if found.isEmpty && problems.isEmpty {
            problems.append("--strategies names none; known are: \(known)")
        }
        return found
    }

    private static func count(
        _ value: Int?, _ name: String, _ range: ClosedRange<Int>, _ standard: Int,
        _ problems: inout [String]
    ) -> Int {
        let value = value ?? standard
        if !range.contains(value) {
            problems.append(
                "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return value
    }

    private static func seconds(
        _ value: Double?, _ name: String, _ range: ClosedRange<Double>, _ standard: Duration,
        _ problems: inout [String]
    ) -> Duration {
        guard let value else { return standard }
        // Also false for NaN.
        guard range.contains(value) else {
            let bounds = "\(Text.number(range.lowerBound)) to \(Text.number(range.upperBound))"
            problems.append("\(name) must be from \(bounds) seconds, not \(Text.number(value))")
            return standard
        }
        return .nanoseconds(Int64(value * 1e9))
    }

    private static func redis(_ text: String?, _ problems: inout [String]) -> RedisEndpoint? {
        guard let text else { return nil }
        do throws(RedisURLError) {
            let endpoint = try RedisEndpoint(parsing: text)
            if case .cluster = endpoint.address {
                problems.append(
                    "--redis: the bench empties the database that it uses, and cannot empty a cluster; name one "
                        + "server")
            }
            return endpoint
        } catch {
            problems.append(error.description)
            return nil
        }
    }
}

extension RunPlan {
    /// Set-up, drain and audit of one trial, roughly.
    private static let overhead = Duration.seconds(3)

    /// How long the run will take, roughly.
    var expectedTime: Duration {
        let trial = warmup + duration + Self.overhead
        let control = controlDuration + Self.overhead
        return trial * (strategies.count * rounds) + control * controls.count
    }
}
