/// What a Redis server says of itself in answer to INFO.
struct RedisFacts: Sendable, Hashable {
    /// Nil where the server hides it, as all that follows.
    var version: String?
    /// The name that the server gave itself when it started.
    var runID: String?
    var maximumMemory: Int64?
    var evictionPolicy: String?
    var isAppendOnly: Bool?
    var role: String?
    var replicas: Int?
    /// The server stops writing when too few replicas follow it.
    var asksForReplicas = false

    /// - Parameter info: The answer to INFO: lines of `name:value`.
    init(info: String) {
        var values: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[line[..<colon]] = line[line.index(after: colon)...]
        }
        func text(_ name: Substring) -> String? { values[name].map(String.init) }
        version = text("redis_version")
        runID = text("run_id")
        maximumMemory = text("maxmemory").flatMap { Int64($0) }
        evictionPolicy = text("maxmemory_policy")
        isAppendOnly = text("aof_enabled").map { $0 == "1" }
        role = text("role")
        replicas = text("connected_slaves").flatMap { Int($0) }
        // Shown only where min-replicas-to-write is set.
        asksForReplicas = values["min_slaves_good_slaves"] != nil
    }

    /// Whether the server throws keys away when its memory is full: `allkeys-…` the stock itself,
    /// `volatile-…` the locks, which are the keys with a time to live. Either lets two buyers have one unit.
    var evicts: Bool {
        (maximumMemory ?? 0) > 0 && hasEvictingPolicy
    }

    /// A policy that evicts, with or without a limit of memory that makes it act.
    var hasEvictingPolicy: Bool {
        guard let evictionPolicy else { return false }
        return evictionPolicy != "noeviction"
    }

    /// What to say to the person who starts a server on it; nil when it evicts nothing.
    var evictionProblem: String? {
        guard evicts, let evictionPolicy else { return nil }
        let victims = evictionPolicy.hasPrefix("allkeys") ? "stock and locks" : "locks"
        return "it may throw \(victims) away when its memory is full (maxmemory-policy \(evictionPolicy)); "
            + "set maxmemory-policy to noeviction"
    }
}
