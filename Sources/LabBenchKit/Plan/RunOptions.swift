/// The options of `lab-bench run` as typed; nil is "not given".
struct RunOptions: Sendable {
    var mode: String?
    /// One of ``Scenario``.
    var scenario: String?
    /// `both`, or one of ``LoadModel``.
    var model: String?
    var rate: Double?
    /// One of ``Sweep``.
    var sweep: String?
    var scheduleIn: ArrivalSchedule?
    var strategies: String?
    var users: Int?
    var duration: Double?
    var warmup: Double?
    var rounds: Int?
    var openRounds: Int?
    var seed: UInt64?
    var stock: Int?
    var products: Int?
    var skew: Double?
    var bcryptCost: Int?
    var isQuick = false
    var isQuiet = false
    var output: String?
    var redis: String?
    var thresholds = Thresholds()
    var serverBinary: String?
    var target: String?
    /// Path of a PEM file.
    var targetAuthorities: String?
    var isJSON = false
    var isWithoutCeilings = false
}

/// Everything that is wrong with the options, one sentence each.
struct PlanProblems: Error, Sendable, Equatable {
    let sentences: [String]
    var exit = BenchExit.usage
}
