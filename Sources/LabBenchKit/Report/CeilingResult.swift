/// A ceiling as it stands in `results.json`, beside the negative controls.
struct CeilingResult: Sendable, Codable, Equatable {
    /// What is done once for each that is counted.
    var what: String
    var perSecond: Double
    var seconds: Double
    /// Cores used on average; null could not be read, or there was no such process.
    @OrNull var benchCores: Double?
    @OrNull var serverCores: Double?
    @OrNull var redisCores: Double?

    init(_ finished: FinishedCeiling) {
        what = finished.ceiling.what
        perSecond = finished.perSecond
        seconds = finished.duration / .seconds(1)
        let wall = finished.wallSeconds
        func cores(_ used: Double?) -> Double? { wall > 0 ? used.map { $0 / wall } : nil }
        benchCores = cores(finished.cost.bench)
        serverCores = cores(finished.cost.server)
        redisCores = cores(finished.cost.redis)
    }
}

extension RunResults {
    /// The controls that must be caught overselling.
    var negativeControls: [ControlResult] { controls.filter { $0.ceiling == nil } }

    /// The ceilings by their ids.
    var ceilings: [(id: String, ceiling: CeilingResult)] {
        controls.compactMap { control in control.ceiling.map { (control.id, $0) } }
    }
}

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
    var ceilings: [String] {
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
