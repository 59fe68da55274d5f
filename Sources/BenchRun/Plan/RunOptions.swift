package import BenchLoad
package import BenchModel

/// The options of `lab-bench run` as typed; nil is "not given".
package struct RunOptions: Sendable {
    package var mode: String?
    /// One of ``Scenario``.
    package var scenario: String?
    /// `both`, or one of ``LoadModel``.
    package var model: String?
    package var rate: Double?
    /// One of ``Sweep``.
    package var sweep: String?
    package var scheduleIn: ArrivalSchedule?
    package var strategies: String?
    package var users: Int?
    package var duration: Double?
    package var warmup: Double?
    package var rounds: Int?
    package var openRounds: Int?
    package var seed: UInt64?
    package var stock: Int?
    package var products: Int?
    package var skew: Double?
    package var bcryptCost: Int?
    package var isQuick: Bool
    package var isQuiet: Bool
    package var output: String?
    package var redis: String?
    /// lab-server processes in each trial.
    package var servers: Int?
    /// One of ``LedgerEngine``.
    package var database: String?
    package var thresholds: Thresholds
    package var serverBinary: String?
    package var target: String?
    /// Path of a PEM file.
    package var targetAuthorities: String?
    package var isJSON: Bool
    package var isWithoutCeilings: Bool
    /// One of ``PlannedStrike/possible``.
    package var fault: String?
    package var at: Double?
    package var lasts: Double?
    /// Locks in other languages, looked at already.
    package var drivers: [PlannedDriver]
    /// A command that starts an echo driver; needed with ``drivers`` alone.
    package var echoDriver: [String]

    package init(
        mode: String? = nil, scenario: String? = nil, model: String? = nil, rate: Double? = nil,
        sweep: String? = nil, scheduleIn: ArrivalSchedule? = nil, strategies: String? = nil,
        users: Int? = nil, duration: Double? = nil, warmup: Double? = nil, rounds: Int? = nil,
        openRounds: Int? = nil, seed: UInt64? = nil, stock: Int? = nil, products: Int? = nil,
        skew: Double? = nil, bcryptCost: Int? = nil, isQuick: Bool = false, isQuiet: Bool = false,
        output: String? = nil, redis: String? = nil, servers: Int? = nil, database: String? = nil,
        thresholds: Thresholds = Thresholds(),
        serverBinary: String? = nil, target: String? = nil, targetAuthorities: String? = nil,
        isJSON: Bool = false, isWithoutCeilings: Bool = false, fault: String? = nil, at: Double? = nil,
        lasts: Double? = nil, drivers: [PlannedDriver] = [], echoDriver: [String] = []
    ) {
        self.mode = mode
        self.scenario = scenario
        self.model = model
        self.rate = rate
        self.sweep = sweep
        self.scheduleIn = scheduleIn
        self.strategies = strategies
        self.users = users
        self.duration = duration
        self.warmup = warmup
        self.rounds = rounds
        self.openRounds = openRounds
        self.seed = seed
        self.stock = stock
        self.products = products
        self.skew = skew
        self.bcryptCost = bcryptCost
        self.isQuick = isQuick
        self.isQuiet = isQuiet
        self.output = output
        self.redis = redis
        self.servers = servers
        self.database = database
        self.thresholds = thresholds
        self.serverBinary = serverBinary
        self.target = target
        self.targetAuthorities = targetAuthorities
        self.isJSON = isJSON
        self.isWithoutCeilings = isWithoutCeilings
        self.fault = fault
        self.at = at
        self.lasts = lasts
        self.drivers = drivers
        self.echoDriver = echoDriver
    }
}

/// Everything that is wrong with the options, one sentence each.
package struct PlanProblems: Error, Sendable, Equatable {
    package let sentences: [String]
    package var exit: BenchExit

    package init(sentences: [String], exit: BenchExit = BenchExit.usage) {
        self.sentences = sentences
        self.exit = exit
    }
}
