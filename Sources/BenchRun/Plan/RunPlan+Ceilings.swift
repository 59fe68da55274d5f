package import BenchModel

extension RunPlan {
    /// In the order in which they run, before the rounds.
    package var ceilings: [Ceiling] {
        if isQuick || !hasCeilings { return [] }
        // Nobody may look into the stores of a target.
        if target != nil { return [.bareHTTP] }
        if mode == .strategy { return [.redisOnly] }
        // The others are of one server, and of SQLite.
        if database == .postgres && mode != .http { return [.redisOnly] }
        if database == .postgres { return servers == 1 ? [.bareHTTP, .redisOnly] : [.redisOnly] }
        return mode == .http ? Ceiling.allCases : [.redisOnly, .sqliteOnly, .noLock]
    }

    var ceilingWarmup: Duration { min(duration, .milliseconds(500)) }
    var ceilingDuration: Duration { min(duration, .seconds(2)) }
}
