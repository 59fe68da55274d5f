import BenchAudit
import BenchModel
import BenchResults
import LockStrategies

extension EqualConditions {
    init(_ trial: FinishedTrial, _ policies: StrategySettings) {
        var values: [String: String] = [:]
        let conditions = StrategyConditions(trial.planned.strategy, policies)
        values["lease (ms)"] = conditions.leaseTtlMs.map { Text.number($0) }
        values["retry budget"] = conditions.retry?.budget
        let abilities = trial.planned.strategy.traits.abilities
        // A fence belongs to the section of those who have one.
        if trial.planned.strategy.traits.takesLock && !abilities.contains(.fencing) {
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
        values["PostgreSQL"] = trial.postgresVersion
        values["lab-server"] = trial.serverArguments.map {
            RunResults.sharedArguments($0).joined(separator: " ")
        }
        self.init(values: values)
    }

    /// The trials with this check beside the others.
    static func judged(
        _ trials: [FinishedTrial], _ policies: StrategySettings
    ) -> [FinishedTrial] {
        let checks = checks(trials.map { EqualConditions($0, policies) })
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
