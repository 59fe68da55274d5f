import BenchLoad
import BenchModel
import BenchResults
import BenchStatistics
import LockStrategies

extension SweepResult {
    /// - Parameter trials: All of the run.
    init(_ kind: Sweep, _ strategies: [StrategyEntry], _ trials: [FinishedTrial]) {
        var points: [Point] = []
        for strategy in strategies {
            let own = trials.filter {
                $0.planned.strategy == strategy && $0.planned.model.isOpen == (kind == .rate)
            }
            let loads = Set(own.map { Self.load(kind, $0.planned) }).sorted()
            points += loads.compactMap { load in Point(own.filter { Self.load(kind, $0.planned) == load }) }
        }
        let laws = kind == .rate ? [] : strategies.compactMap { Fit($0.id, points) }
        self.init(kind: kind, points: points, fits: laws)
    }

    private static func load(_ kind: Sweep, _ planned: PlannedTrial) -> Double {
        kind == .users ? Double(planned.users) : planned.rate ?? 0
    }
}

extension SweepResult.Fit {
    /// - Returns: nil when a law cannot be fitted to the strategy's points.
    fileprivate init?(_ id: StrategyID, _ points: [SweepResult.Point]) {
        let loads = points.filter { $0.strategy == id.rawValue }.map {
            UniversalScalability.Load(users: Double($0.users), perSecond: $0.purchasesPerSecond)
        }
        guard let law = UniversalScalability(loads) else { return nil }
        self.init(strategy: id.rawValue, law: law)
    }
}

extension SweepResult.Point {
    /// - Returns: nil without trials.
    fileprivate init?(_ trials: [FinishedTrial]) {
        guard let first = trials.first?.planned, let rate = Spread(trials.map(\.record.purchasesPerSecond))
        else { return nil }
        let records = trials.map(\.record)
        let isSustained = records.allSatisfy { $0.openAccount?.isSustained == true }
        self.init(
            strategy: first.strategy.name, users: first.users, offeredPerSecond: first.rate,
            trials: trials.count, purchasesPerSecond: rate.median,
            successShare: LoadRecord.successShare(records),
            isSustained: first.model.isOpen ? isSustained : nil,
            responseUs: Percentiles(LoadRecord.merged(records) { $0.response(.success) }))
    }
}
