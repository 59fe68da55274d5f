package import BenchModel
package import BenchStatistics

/// What one purchase takes in each mode of a run in all modes, and what each layer around the strategy adds.
///
/// A mode's time is the length of the load divided by the purchases sold in it, with all buyers busy: what
/// the system needs from one sale to the next, not what a buyer waits. Only rounds count in which every mode
/// has a trial that counts, and a difference is taken within a round: what is subtracted met the same minute.
package struct LayerResult: Sendable, Codable, Equatable {
    /// One mode of the run.
    package struct Mode: Sendable, Codable, Equatable {
        package var mode: RunMode
        package var purchasesPerSecond: Spread
        /// Microseconds from one sale to the next.
        package var perPurchaseUs: Spread
        /// Of buyers, service and Redis together, in milliseconds for each sale, median of the rounds; null
        /// where it could not be read.
        @OrNull package var cpuMsPerPurchase: Double?
    }

    /// What is around the layer before it.
    package struct Layer: Sendable, Codable, Equatable {
        /// `strategy`, `service` or `http`.
        package var name: String
        /// Microseconds that it adds to a purchase; below zero where noise is larger than what it adds.
        package var addsUs: Spread
        /// Of the purchase over HTTP, medians of the rounds.
        package var share: Double
    }

    package var strategy: String
    package var rounds: Int
    /// The innermost one first.
    package var modes: [Mode]
    package var layers: [Layer]

    /// - Parameter runs: The results of each mode, the innermost one first.
    /// - Returns: A value for each strategy that the last one has measured, in its order; none for a strategy
    ///   without a round in which all its modes count.
    package static func all(_ runs: [RunResults]) -> [LayerResult] {
        guard let outermost = runs.last else { return [] }
        return outermost.strategies.compactMap { Self($0.id, runs) }
    }

    private init?(_ strategy: String, _ runs: [RunResults]) {
        let found = runs.map { run in (run.workload.mode, run.closedTrials(of: strategy)) }
        let measured = found.filter { mode, trials in mode == .http || !trials.isEmpty }
        let rounds = measured.map { Set($1.keys) }.reduce(nil) { (common: Set<Int>?, own) in
            common?.intersection(own) ?? own
        }
        guard let order = rounds?.sorted(), !order.isEmpty, measured.count > 1 else { return nil }
        self.strategy = strategy
        self.rounds = order.count
        modes = measured.compactMap { mode, trials in Mode(mode, order.compactMap { trials[$0] }) }
        let times = measured.map { _, trials in order.compactMap { trials[$0]?.perPurchaseUs } }
        guard modes.count == measured.count, let whole = times.last.flatMap(Spread.init)?.median else {
            return nil
        }
        layers = measured.indices.compactMap { index in
            let inner = index == 0 ? order.map { _ in 0 } : times[index - 1]
            guard let adds = Spread(zip(times[index], inner).map { $0 - $1 }) else { return nil }
            return Layer(name: Self.name(of: measured[index].0), addsUs: adds, share: adds.median / whole)
        }
    }

    private static func name(of mode: RunMode) -> String {
        switch mode {
        case .strategy: "strategy"
        case .direct: "service"
        case .http: "http"
        }
    }
}

extension LayerResult.Mode {
    fileprivate init?(_ mode: RunMode, _ trials: [TrialResult]) {
        guard let rate = Spread(trials.map(\.purchasesPerSecond)),
            let time = Spread(trials.compactMap(\.perPurchaseUs))
        else { return nil }
        let costs = trials.compactMap(\.cpuMsPerPurchase)
        self.init(
            mode: mode, purchasesPerSecond: rate, perPurchaseUs: time,
            cpuMsPerPurchase: costs.count == trials.count ? Spread(costs)?.median : nil)
    }
}

extension RunResults {
    /// By round; only trials that sold.
    fileprivate func closedTrials(of strategy: String) -> [Int: TrialResult] {
        let own = trials.filter {
            $0.strategy == strategy && !$0.isControl && !$0.model.isOpen && $0.purchasesPerSecond > 0
        }
        return Dictionary(own.map { ($0.block, $0) }) { first, _ in first }
    }
}

extension TrialResult {
    fileprivate var perPurchaseUs: Double? { purchasesPerSecond > 0 ? 1e6 / purchasesPerSecond : nil }

    fileprivate var cpuMsPerPurchase: Double? {
        let sold = totals[BuyerOutcome.success.rawValue] ?? 0
        guard sold > 0, let bench = cpuSeconds.bench, let redis = cpuSeconds.redis else { return nil }
        return (bench + (cpuSeconds.server ?? 0) + redis) * 1000 / Double(sold)
    }
}
