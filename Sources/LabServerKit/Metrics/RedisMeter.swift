import RedisClient

/// What Redis cost: how long its answers took, and how it failed.
final class RedisMeter: Sendable {
    /// What a server is for.
    enum Role: String, Sendable, CaseIterable {
        case stock
        case lockNode = "lock-node"
    }

    struct Failure: Hashable {
        let role: Role
        let kind: RedisError.Code
    }

    private let times: [Role: Histogram]
    private let failures: [Failure: Counter]
    private let leftAlone: [Role: @Sendable () -> Int]

    /// - Parameter leftAlone: How many servers are left alone, because they did not answer; asked when the
    ///   page is written.
    init(leftAlone: [Role: @Sendable () -> Int] = [:]) {
        self.leftAlone = leftAlone
        times = Dictionary(
            uniqueKeysWithValues: Role.allCases.map { ($0, Histogram(bounds: Histogram.fine)) })
        failures = Dictionary(
            uniqueKeysWithValues: Role.allCases.flatMap { role in
                RedisError.Code.allCases.map { (Failure(role: role, kind: $0), Counter()) }
            })
    }

    func answered(_ role: Role, in duration: Duration) { times[role]?.observe(duration) }

    func failed(_ role: Role, _ kind: RedisError.Code) {
        failures[Failure(role: role, kind: kind)]?.add()
    }

    func write(to page: inout Exposition) {
        page.family(
            "lab_redis_command_seconds", "histogram",
            "Time from a command, script or transaction to its answer, by what the server is for.")
        for role in Role.allCases {
            if let histogram = times[role] {
                page.histogram("lab_redis_command_seconds", [("role", role.rawValue)], histogram)
            }
        }
        page.family(
            "lab_redis_errors_total", "counter", "Commands that did not end with a usable reply, by kind.")
        for role in Role.allCases {
            for kind in RedisError.Code.allCases {
                page.sample(
                    "lab_redis_errors_total", [("role", role.rawValue), ("kind", kind.rawValue)],
                    failures[Failure(role: role, kind: kind)]?.value ?? 0)
            }
        }
        page.family(
            "lab_redis_servers_left_alone", "gauge",
            "Servers that are not asked for a moment, because they did not answer several calls in a row.")
        for role in Role.allCases {
            page.sample("lab_redis_servers_left_alone", [("role", role.rawValue)], leftAlone[role]?() ?? 0)
        }
    }
}
