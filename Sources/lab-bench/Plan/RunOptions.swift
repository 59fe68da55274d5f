/// The options of `lab-bench run` as typed; nil is "not given".
struct RunOptions: Sendable {
    var mode: String?
    var strategies: String?
    var users: Int?
    var duration: Double?
    var warmup: Double?
    var rounds: Int?
    var seed: UInt64?
    var stock: Int?
    var isQuick = false
    var isQuiet = false
    var output: String?
    var redis: String?
    var serverBinary: String?
}

/// Everything that is wrong with the options, one sentence each.
struct PlanProblems: Error, Sendable, Equatable {
    let sentences: [String]
}
