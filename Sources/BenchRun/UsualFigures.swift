import BenchLoad
import BenchModel
import BenchStatistics
import LockStrategies

/// What the trials of a load have shown before: against this the lateness of the next one is measured.
///
/// A trial is repeated when the generator was too late for its figures. Measured against its own figures, a
/// quick trial would be repeated sooner than a slow one, and repetition would choose results. Only the first
/// trial of a load has nothing but its own.
struct UsualFigures: Sendable {
    private struct Load: Hashable, Sendable {
        let strategy: StrategyEntry
        let offered: OfferedLoad

        init(_ planned: PlannedTrial) {
            (strategy, offered) = (planned.strategy, planned.load)
        }
    }

    private var seen: [Load: [[String: Double]]] = [:]

    /// Takes the figures of a trial that is kept.
    mutating func add(_ trial: FinishedTrial) {
        let figures = Percentiles(trial.record.response(.success))
        let named = [
            ("mean", figures.mean), ("p50", figures.p50), ("p90", figures.p90), ("p95", figures.p95),
            ("p99", figures.p99),
        ]
        let known = named.compactMap { name, value in value.map { (name, $0 / 1000) } }
        seen[Load(trial.planned), default: []].append(Dictionary(uniqueKeysWithValues: known))
    }

    /// - Returns: The median of each figure over the trials of the same load, in milliseconds; empty before
    ///   the first.
    func of(_ planned: PlannedTrial) -> [String: Double] {
        let trials = seen[Load(planned)] ?? []
        let names = Set(trials.flatMap(\.keys))
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                Spread(trials.compactMap { $0[name] }).map { (name, $0.median) }
            })
    }
}
