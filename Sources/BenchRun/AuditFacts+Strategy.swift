import BenchAudit
import BenchLoad
import LockStrategies

extension AuditFacts {
    /// Notes what follows from how a strategy works: what cannot be looked at, and how long its lock was
    /// held.
    mutating func addTraits(of strategy: StrategyEntry, _ record: LoadRecord) {
        var reasons: [String: String] = [:]
        if strategy.traits.abilities.contains(.transactions) {
            reasons["redis-saw-commands"] =
                "Redis does not count what was queued in a transaction that it then refused"
        }
        switch strategy.traits.stockLayout {
        case .ledger: reasons["redis-counted-sales"] = "it reserves nothing in Redis"
        case .buckets:
            reasons["redis-counted-sales"] = "moves between its buckets are written by the same command"
        case .oneKey: break
        }
        if strategy.traits.takesLock && holds == nil {
            reasons["holds-overlap"] = "answers carry durations, no moments; --mode direct sees every hold"
        }
        notChecked.merge(reasons) { given, _ in given }
        if strategy.traits.takesLock { heldShare = record.heldShare }
    }
}
