import BenchModel
import BenchResults
import BenchStatistics

/// The pictures of the report.
extension HTMLReport {
    /// Trials of a sweep are of different loads: no picture shows them side by side.
    package var figures: [Figure] {
        [overview].compactMap(\.self) + latencyFigures + otherFigures
    }

    /// What a reader sees first.
    var overview: Figure? {
        guard results.sweep == nil, let picture = Overview(results, palette) else { return nil }
        return Figure(
            title: Overview.title, [picture],
            "Closed load, medians of the rounds. Whiskers: of the rate from the lowest to the highest round; of p99 "
                + "where another run would lie with 95 % confidence. At the right: whether the stock was exact; the control oversells by design."
        )
    }

    var latencyFigures: [Figure] {
        results.sweep != nil
            ? sweepFigures : [throughFault, percentiles, openPercentiles, distribution].compactMap(\.self)
    }

    var otherFigures: [Figure] {
        results.sweep != nil ? [] : [rates, parts, attempts, runOrder, fairness, sold].compactMap(\.self)
    }

    private var ids: [String] { results.strategies.map(\.id) }

    func key(_ id: String) -> Figure.Key { .strategy(id, palette) }

    private var keys: [Figure.Key] { ids.map(key) }

    private func names(_ ids: [String]) -> [(value: Double, label: String)] {
        ids.enumerated().map { (Double($0.offset) + 0.5, $0.element) }
    }

    /// Every trial of a strategy, and the median.
    private var rates: Figure? {
        let rates = results.strategies.compactMap { $0.purchasesPerSecond?.median }
        guard !rates.isEmpty else { return nil }
        var plot = Plot(
            palette, title: "Purchases per second", x: .linear(from: 0, to: Double(ids.count)),
            y: .linear(rates + results.trials.filter { !$0.isControl }.map(\.purchasesPerSecond)),
            xTitle: "strategy", yTitle: "purchases/s", height: 300, xLabels: names(ids))
        for (index, strategy) in results.strategies.enumerated() {
            let place = Double(index) + 0.5
            if let median = strategy.purchasesPerSecond?.median {
                plot.bar(
                    x: place, halfWidth: 0.32, from: 0, to: median, value: median,
                    colour: palette.colour(strategy.id) + "66",
                    note: "\(strategy.id): median \(Text.number(median))/s")
            }
            let trials = results.trials.filter { $0.strategy == strategy.id && !$0.model.isOpen }
            for trial in trials {
                plot.dot(
                    strategy.id, place, trial.purchasesPerSecond, value: trial.purchasesPerSecond,
                    note: "\(strategy.id), round \(trial.block): \(Text.number(trial.purchasesPerSecond))/s")
            }
        }
        return Figure(plot, "Closed load. Bars are medians, marks are single trials.")
    }

    private var percentiles: Figure? {
        latency(
            "Latency by percentile, closed load",
            "Service time. A user that waits does not send, so a stall of the server shows in few requests.",
            results.strategies.map { ($0.id, $0.curve, []) })
    }

    private var openPercentiles: Figure? {
        let offered = results.strategies.compactMap(\.open).first?.offeredPerSecond ?? 0
        return latency(
            "Latency by percentile at \(Text.number(offered)) purchases/s, open load",
            "Solid: response time, from the intended start. Dashed: service time, from sending. Where the two part, "
                + "requests waited for a free connection.",
            results.strategies.compactMap { strategy in
                strategy.open.map { (strategy.id, $0.responseCurve, $0.serviceCurve) }
            })
    }

    private func latency(
        _ title: String, _ caption: String,
        _ curves: [(id: String, solid: [CurvePoint], dashed: [CurvePoint])]
    ) -> Figure? {
        let all = curves.flatMap { $0.solid + $0.dashed }
        guard !all.isEmpty else { return nil }
        var plot = Plot(
            palette, title: title, x: .nines(upTo: all.map(\.share).max() ?? 0.99),
            y: .logarithmic(all.map { $0.us / 1000 }), xTitle: "percentile",
            yTitle: "milliseconds", height: 380)
        for curve in curves {
            for (points, isDashed) in [(curve.dashed, true), (curve.solid, false)] {
                plot.line(
                    curve.id, points.map { ($0.share, $0.us / 1000) }, values: points.map(\.us),
                    isDashed: isDashed)
            }
        }
        let target = results.workload.thresholds.p95Ms
        plot.limit(target, "target: p95 below \(Text.number(target)) ms")
        return Figure(plot, caption, keys: curves.map { key($0.id) })
    }

    private var distribution: Figure? {
        let all = results.strategies.flatMap(\.curve)
        guard !all.isEmpty else { return nil }
        var plot = Plot(
            palette, title: "Share of purchases that were faster", x: .logarithmic(all.map { $0.us / 1000 }),
            y: .linear(from: 0, to: 1), xTitle: "milliseconds (service time, closed load)",
            yTitle: "share of purchases")
        for strategy in results.strategies {
            plot.line(
                strategy.id, strategy.curve.map { ($0.us / 1000, $0.share) }, values: strategy.curve.map(\.us)
            )
        }
        return Figure(plot, "The further left, the faster; a long tail leans to the right.", keys: keys)
    }

    static let partColours = ["#7d8a97", "#c2561a", "#3b7dd8", "#8a7400", "#8a5fc0"]

    private var parts: Figure? {
        let all = results.strategies.compactMap { strategy in strategy.parts.map { (strategy.id, $0) } }
        guard !all.isEmpty else { return nil }
        let sums = all.map { ($0.1.waitUs + $0.1.holdUs + $0.1.redisUs + $0.1.sqlUs + $0.1.restUs) / 1000 }
        var plot = Plot(
            palette, title: "Where the mean time of a purchase went",
            x: .linear(from: 0, to: Double(all.count)),
            y: .linear(sums), xTitle: "strategy", yTitle: "milliseconds", height: 320,
            xLabels: names(all.map(\.0)))
        let words = [
            "waiting", "holding the lock, or in its script", "other Redis time",
            results.systemUnderTest.database == .postgres ? "PostgreSQL" : "SQLite",
            "HTTP and the rest",
        ]
        for (index, entry) in all.enumerated() {
            let values = [entry.1.waitUs, entry.1.holdUs, entry.1.redisUs, entry.1.sqlUs, entry.1.restUs]
            var from = 0.0
            for (part, value) in values.enumerated() {
                plot.bar(
                    x: Double(index) + 0.5, halfWidth: 0.32, from: from, to: from + value / 1000,
                    value: value,
                    colour: Self.partColours[part],
                    note: "\(entry.0): \(words[part]) \(Text.milliseconds(value)) ms")
                from += value / 1000
            }
        }
        return Figure(
            plot, "Means of successful purchases, closed load, as the service reports them.",
            keys: zip(words, Self.partColours).map(Figure.Key.area))
    }

    private var attempts: Figure? {
        let all = results.strategies.filter { ($0.attemptsPerSuccess ?? 1) > 1.01 }
        guard !all.isEmpty else { return nil }
        let points = all.map { strategy -> (id: String, points: [(x: Double, y: Double)]) in
            let flat = strategy.attemptsHistogram
            return (
                strategy.id,
                stride(from: 0, to: flat.count - 1, by: 2).map { (Double(flat[$0]), Double(flat[$0 + 1])) }
            )
        }
        var plot = Plot(
            palette, title: "Attempts that a purchase needed",
            x: .logarithmic(points.flatMap { $0.points.map(\.x) }),
            y: .logarithmic(points.flatMap { $0.points.map(\.y) }), xTitle: "attempts", yTitle: "purchases")
        for entry in points { plot.line(entry.id, entry.points, hasMarkers: false) }
        return Figure(
            plot, "Strategies that ever ask again; the others need one attempt.",
            keys: all.map { key($0.id) })
    }

    private var runOrder: Figure? {
        // Open loads sell what they offer: beside closed ones they would look like a collapse.
        let real = results.trials.filter { !$0.isControl }
        let closed = real.filter { !$0.model.isOpen }
        let trials = closed.isEmpty ? real : closed
        guard trials.count > 1 else { return nil }
        var plot = Plot(
            palette, title: "Every trial in run order",
            x: .linear(from: 0, to: Double((trials.map(\.order).max() ?? 1) + 1)),
            y: .linear(trials.map(\.purchasesPerSecond)), xTitle: "place in the run", yTitle: "purchases/s")
        for trial in trials {
            plot.dot(
                trial.strategy, Double(trial.order), trial.purchasesPerSecond,
                value: trial.purchasesPerSecond,
                note: "\(trial.order). \(trial.strategy), \(trial.model.rawValue): "
                    + "\(Text.number(trial.purchasesPerSecond))/s")
        }
        return Figure(
            plot,
            "Of the \(closed.isEmpty ? "open" : "closed") load. A machine that gets slower shows as a slope.",
            keys: keys)
    }

    private var fairness: Figure? {
        let trials = firstTrials
        guard !trials.isEmpty else { return nil }
        var plot = Plot(
            palette, title: "Purchases of each user", x: .linear(from: 0, to: Double(trials.count)),
            y: .linear(trials.flatMap { $0.userSuccesses.counts.map { Double($0) } }), xTitle: "strategy",
            yTitle: "purchases", height: 320, xLabels: names(trials.map(\.strategy)))
        for (index, trial) in trials.enumerated() {
            let counts = trial.userSuccesses.counts
            for (user, count) in counts.enumerated() {
                let offset = (Double(user) + 0.5) / Double(counts.count) * 0.7 + 0.15
                plot.dot(
                    trial.strategy, Double(index) + offset, Double(count), value: Double(count),
                    note: "\(trial.strategy), user \(user + 1): \(count)", size: 2.2)
            }
        }
        return Figure(plot, "One mark a user, first round. A flat band is fair.")
    }

    private var sold: Figure? {
        let trials = firstTrials
        guard !trials.isEmpty else { return nil }
        var plot = Plot(
            palette, title: "Units that left the stock",
            x: .linear(from: 0, to: trials.map(end).max() ?? 1),
            y: .linear(trials.flatMap { $0.series.map { Double($0.soldSoFar) } }),
            xTitle: "seconds since the first request", yTitle: "units sold")
        for trial in trials {
            plot.line(
                trial.strategy, moments(trial).map { ($0.0, Double($0.1.soldSoFar)) }, hasMarkers: false)
        }
        return Figure(
            plot, "First round, as the answers say; the audit compares the end with both stores.", keys: keys)
    }

    var firstTrials: [TrialResult] {
        ids.compactMap { id in results.trials.first { $0.strategy == id && !$0.isControl } }
    }

    func end(_ trial: TrialResult) -> Double {
        Double(trial.series.count) * trial.seriesStepMs / 1000
    }

    func moments(_ trial: TrialResult) -> [(Double, TrialResult.Step)] {
        trial.series.enumerated().map { (Double($0.offset + 1) * trial.seriesStepMs / 1000, $0.element) }
    }

    /// What the first trial of each strategy did over time.
    package var timelines: [Figure] { firstTrials.filter { !$0.series.isEmpty }.map(timeline) }

    /// Purchases by how they ended, and below it how long they took.
    private func timeline(_ trial: TrialResult) -> Figure {
        // The last step is cut off by the end of the load: its count is no rate.
        let steps = moments(trial).dropLast()
        let perSecond = 1000 / trial.seriesStepMs
        let losses: [(word: String, counts: [Int])] = [
            ("refused", steps.map(\.1.refusals)), ("errors", steps.map(\.1.errors)),
        ].filter { $0.counts.contains { $0 > 0 } }
        var plot = Plot(
            palette, title: "Purchases over time", x: .linear(from: 0, to: end(trial)),
            y: .linear(
                steps.map(\.1.perSecond) + losses.flatMap { $0.counts.map { Double($0) * perSecond } }),
            xTitle: "seconds since the first request", yTitle: "purchases/s", height: 230)
        mark(trial, &plot)
        plot.line(trial.strategy, steps.map { ($0.0, $0.1.perSecond) }, hasMarkers: false)
        for loss in losses {
            plot.line(
                trial.strategy, zip(steps, loss.counts).map { ($0.0, Double($1) * perSecond) },
                values: loss.counts.map { Double($0) }, isDashed: true, dashedWord: loss.word)
        }
        let (middle, slow) = (known(steps, \.p50Us), known(steps, \.p99Us))
        var below = Plot(
            palette, title: "Latency over time", x: .linear(from: 0, to: end(trial)),
            y: .logarithmic((middle + slow).map { $0.us / 1000 }),
            xTitle: "seconds since the first request", yTitle: "milliseconds", height: 230)
        mark(trial, &below)
        for (points, isDashed) in [(slow, false), (middle, true)] {
            below.line(
                trial.strategy, points.map { ($0.at, $0.us / 1000) }, values: points.map(\.us),
                isDashed: isDashed, dashedWord: "p50", hasMarkers: false)
        }
        let lost = losses.isEmpty ? "" : " (dashed: \(losses.map(\.word).joined(separator: ", ")))"
        return Figure(
            title: "\(trial.strategy) over time", [plot, below],
            "First round. Above: purchases/s\(lost). Below: p99, and dashed p50.")
    }

    private func known(
        _ steps: some Collection<(Double, TrialResult.Step)>, _ figure: (TrialResult.Step) -> Double?
    ) -> [(at: Double, us: Double)] {
        steps.compactMap { step in figure(step.1).map { (step.0, $0) } }
    }

    func mark(_ trial: TrialResult, _ plot: inout Plot) {
        if trial.warmupSeconds > 0 { plot.band(from: 0, to: trial.warmupSeconds, note: "warm-up") }
        if let struck = trial.struck {
            plot.band(
                from: struck.struckMs / 1000, to: struck.healedMs / 1000, note: struck.fault, isFault: true)
        }
        let last = trial.warmupSeconds + trial.durationSeconds
        if last < end(trial) { plot.band(from: last, to: end(trial), note: "drain") }
        for pause in trial.generator.pauses {
            plot.band(
                from: (pause.atMs - pause.lengthMs) / 1000, to: pause.atMs / 1000,
                note: "generator stood still for \(Text.number(pause.lengthMs)) ms")
        }
    }
}
