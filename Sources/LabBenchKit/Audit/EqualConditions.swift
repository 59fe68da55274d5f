import LockStrategies

/// Whether all trials of a run met the same conditions: a strategy that may hold longer, give up later, or need not
/// write to the disk is not faster but excused.
struct EqualConditions: Sendable, Equatable {
    /// By name, what a trial met; what does not apply to it, or could not be read, is missing.
    let values: [String: String]

    init(values: [String: String]) {
        self.values = values
    }

    init(_ trial: FinishedTrial) {
        var values: [String: String] = [:]
        let conditions = StrategyConditions(trial.planned.strategy)
        values["lease (ms)"] = conditions.leaseTtlMs.map { Text.number($0) }
        values["retry budget"] = conditions.retry?.budget
        let abilities = trial.planned.strategy.traits.abilities
        // A fence belongs to the section of those who have one.
        if abilities.contains(.leases) && !abilities.contains(.fencing) {
            values["critical section"] = conditions.criticalSection
        }
        if let redis = trial.redisSystem {
            values["Redis"] = redis.version
            values["appendonly"] = redis.appendonly
            values["appendfsync"] = redis.appendfsync
            values["save"] = redis.save
            values["maxmemory-policy"] = redis.maxmemoryPolicy
        }
        values["SQLite"] = trial.sqliteVersion
        values["journal"] = trial.journalMode
        values["lab-server"] = trial.serverArguments.map { Self.shared($0).joined(separator: " ") }
        self.values = values
    }

    /// - Returns: A server's arguments without those that differ from strategy to strategy by design.
    static func shared(_ arguments: [String]) -> [String] {
        var rest = arguments
        for flag in ["--strategy", "--redis"] {
            guard let place = rest.firstIndex(of: flag) else { continue }
            rest.removeSubrange(place..<min(place + 2, rest.count))
        }
        return rest
    }

    /// The check of each trial against the first value that any trial has of each condition.
    static func checks(_ all: [EqualConditions]) -> [Check] {
        var expected: [String: String] = [:]
        for conditions in all { expected.merge(conditions.values) { first, _ in first } }
        return all.map { conditions in
            let other = conditions.values.filter { $0.value != expected[$0.key] }.sorted { $0.key < $1.key }
            let words = other.map { "\($0.key): \($0.value), not \(expected[$0.key] ?? "-")" }
            return Check(
                id: "equal-conditions", kind: .measurement,
                statement:
                    "lease, retry budget, critical section, durability and settings are those of every trial",
                value: words.isEmpty
                    ? "\(conditions.values.count) conditions" : words.joined(separator: "; "),
                limit: "as in every other trial",
                state: conditions.values.isEmpty ? .unknown : words.isEmpty ? .pass : .fail)
        }
    }

    /// The trials with this check beside the others.
    static func judged(_ trials: [FinishedTrial]) -> [FinishedTrial] {
        let checks = checks(trials.map { EqualConditions($0) })
        return zip(trials, checks).map { trial, check in
            var (trial, check) = (trial, check)
            // Where nothing of a trial can be seen, there is nothing to compare.
            if check.state == .unknown, let reason = trial.facts.notChecked[check.id] {
                (check.state, check.value, check.reason) = (.notChecked, "-", reason)
            }
            trial.checks.append(check)
            return trial
        }
    }
}
