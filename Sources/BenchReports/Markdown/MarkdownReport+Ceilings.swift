import BenchModel
import BenchResults
import BenchStatistics

extension MarkdownReport {
    /// The loads that ran, and what each may be taken for.
    private func sentence(_ ids: [String]) -> String {
        let whole = Ceiling.noLock.rawValue
        let parts = ids.filter { $0 != whole }.map { "`\($0)`" }.joined(separator: ", ")
        let alone =
            parts.isEmpty
            ? "" : " \(parts): one part of the system alone, what no strategy can sell more than."
        let work =
            ids.contains(whole)
            ? " `\(whole)`: the same work without a lock, for comparison; it is one short load, and a strategy may "
                + "sell more." : ""
        return "Short loads by the same users, not ranked.\(alone)\(work) Cores used on average:"
    }

    /// What a part of the system can do alone, and what the strategies make of it.
    package var ceilings: [String] {
        let found = results.ceilings
        guard !found.isEmpty else { return [] }
        func cores(_ value: Double?) -> String { value.map { Text.number($0, digits: 2) } ?? "-" }
        let alone = found.map { id, ceiling in
            [
                "\(id): \(ceiling.what)", Text.number(ceiling.perSecond), cores(ceiling.benchCores),
                cores(ceiling.serverCores), cores(ceiling.redisCores),
            ]
        }
        let shares = results.strategies.compactMap { strategy -> [String]? in
            guard let rate = strategy.purchasesPerSecond?.median else { return nil }
            return [strategy.id, Text.number(rate)]
                + found.map { $0.ceiling.perSecond > 0 ? Text.percent(rate / $0.ceiling.perSecond) : "-" }
        }
        return [
            "## Ceilings", "",
            sentence(found.map(\.id)), "",
        ]
            + Self.table(["control", "per second", "bench", "server", "Redis"], alone)
            + ["", "What the strategies sell, as a share of each:", ""]
            + Self.table(["strategy", "purchases/s"] + found.map { "of \($0.id)" }, shares)
    }
}
