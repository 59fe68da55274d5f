import LockStrategies

/// What a sweep found: each load of each strategy, and the law that its throughput follows.
struct SweepResult: Sendable, Codable, Equatable {
    struct Point: Sendable, Codable, Equatable {
        var strategy: String
        var users: Int
        /// Null in a closed load.
        @OrNull var offeredPerSecond: Double?
        var trials: Int
        /// Median of the trials.
        var purchasesPerSecond: Double
        @OrNull var successShare: Double?
        /// Null in a closed load.
        @OrNull var isSustained: Bool?
        /// Response time of the successes, from the intended start, merged over the trials.
        var responseUs: Percentiles
    }

    struct Fit: Sendable, Codable, Equatable {
        var strategy: String
        var law: UniversalScalability
    }

    var kind: Sweep
    /// By strategy, then by rising load.
    var points: [Point]
    /// Laws of the strategies with six loads or more; empty in a sweep over rates.
    var fits: [Fit]

    /// - Parameter trials: All of the run.
    init(_ kind: Sweep, _ strategies: [StrategyID], _ trials: [FinishedTrial]) {
        self.kind = kind
        var points: [Point] = []
        for id in strategies {
            let own = trials.filter {
                $0.planned.strategy == id && $0.planned.model.isOpen == (kind == .rate)
            }
            let loads = Set(own.map { Self.load(kind, $0.planned) }).sorted()
            points += loads.compactMap { load in Point(own.filter { Self.load(kind, $0.planned) == load }) }
        }
        self.points = points
        fits =
            kind == .rate
            ? []
            : strategies.compactMap { id in
                let loads = points.filter { $0.strategy == id.rawValue }.map {
                    UniversalScalability.Load(users: Double($0.users), perSecond: $0.purchasesPerSecond)
                }
                return UniversalScalability(loads).map { Fit(strategy: id.rawValue, law: $0) }
            }
    }

    private static func load(_ kind: Sweep, _ planned: PlannedTrial) -> Double {
        kind == .users ? Double(planned.users) : planned.rate ?? 0
    }
}

extension SweepResult.Point {
    /// - Returns: nil without trials.
    init?(_ trials: [FinishedTrial]) {
        guard let first = trials.first, let rate = Spread(trials.map(\.record.purchasesPerSecond)) else {
            return nil
        }
        let records = trials.map(\.record)
        strategy = first.planned.strategy.rawValue
        users = first.planned.users
        offeredPerSecond = first.planned.rate
        self.trials = trials.count
        purchasesPerSecond = rate.median
        let requests = records.reduce(0) { $0 + $1.measuredRequests }
        let successes = records.reduce(0) { $0 + $1.measured(.success) }
        successShare = requests > 0 ? Double(successes) / Double(requests) : nil
        isSustained =
            first.planned.model.isOpen ? records.allSatisfy { $0.openAccount?.isSustained == true } : nil
        responseUs = Percentiles(LoadRecord.merged(records) { $0.response(.success) })
    }
}

extension MarkdownReport {
    /// Every load of a sweep, and the law that throughput follows.
    var sweep: [String] {
        guard let sweep = results.sweep, !sweep.points.isEmpty else { return [] }
        let isRate = sweep.kind == .rate
        let rows = sweep.points.map { point in
            let load = isRate ? Text.number(point.offeredPerSecond ?? .nan) : "\(point.users)"
            let figures = [point.responseUs.p50, point.responseUs.p95, point.responseUs.p99]
            return [point.strategy, load, Text.number(point.purchasesPerSecond)]
                + figures.map { Text.milliseconds($0) } + [Text.percent(point.successShare)]
                + (isRate ? [point.isSustained == true ? "yes" : "**no**"] : [])
        }
        let header =
            ["strategy", isRate ? "offered/s" : "users", "purchases/s", "p50", "p95", "p99", "success"]
            + (isRate ? ["sustained"] : [])
        let sentence =
            isRate
            ? "Open loads at rising rates; response time in ms, from the intended start."
            : "Closed loads of rising numbers of users; response time in ms."
        return ["## Sweep over \(isRate ? "rates" : "users")", "", sentence, ""] + Self.table(header, rows)
            + fits(sweep)
    }

    private func fits(_ sweep: SweepResult) -> [String] {
        guard sweep.kind == .users else { return [] }
        let rows = sweep.fits.map { fit in
            let law = fit.law
            let worst = law.residuals.map(abs).max() ?? 0
            return [
                fit.strategy, Text.number(law.perUser), Text.number(law.contention, digits: 4),
                Text.number(law.coherency, digits: 6), law.bestUsers.map { Text.number($0) } ?? "none",
                Text.percent(worst),
                law.residuals.map { Text.number($0 * 100, digits: 1) }.joined(separator: " "),
            ]
        }
        guard !rows.isEmpty else {
            return [
                "",
                "No law is fitted: it takes \(UniversalScalability.leastLoads) loads that sold something.",
            ]
        }
        return [
            "",
            "Universal scalability law, X(N) = λN / (1 + σ(N - 1) + κN(N - 1)); σ: what is serialised, κ: what users cost "
                + "one another. Where the residuals are large, believe the points and not the law.", "",
        ] + Self.table(["strategy", "λ (1/s)", "σ", "κ", "best N", "worst residual", "residuals (%)"], rows)
    }
}
