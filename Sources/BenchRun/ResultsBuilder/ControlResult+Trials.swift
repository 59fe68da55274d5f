import BenchModel
import BenchResults
import LockStrategies

extension ControlResult {
    init(_ finished: FinishedCeiling) {
        self.init(
            id: finished.ceiling.rawValue, isCaught: nil, caughtBy: [], ceiling: CeilingResult(finished))
    }

    /// - Parameter trial: Of the negative control; nil: it was not finished.
    init(_ id: StrategyID, _ trial: TrialResult?) {
        self.init(
            id: id.rawValue, isCaught: trial.map { !$0.violations.isEmpty },
            caughtBy: trial?.violations.map(\.id) ?? [], ceiling: nil)
    }
}

extension CeilingResult {
    fileprivate init(_ finished: FinishedCeiling) {
        let wall = finished.wallSeconds
        func cores(_ used: Double?) -> Double? { wall > 0 ? used.map { $0 / wall } : nil }
        self.init(
            what: finished.ceiling.what, perSecond: finished.perSecond,
            seconds: finished.duration / .seconds(1), benchCores: cores(finished.cost.bench),
            serverCores: cores(finished.cost.server), redisCores: cores(finished.cost.redis))
    }
}
