package import BenchModel

/// What the verdict of a run is read from.
package struct Findings: Sendable {
    package let strategies: [StrategyResult]
    package let controls: [ControlResult]
    /// Those that count.
    package let trials: [TrialResult]
    package let spoilt: [SpoiltTrial]
    /// How many trials the run was to have.
    package let planned: Int
    package let thresholds: Thresholds

    package init(
        strategies: [StrategyResult], controls: [ControlResult], trials: [TrialResult], spoilt: [SpoiltTrial],
        planned: Int, thresholds: Thresholds
    ) {
        self.strategies = strategies
        self.controls = controls
        self.trials = trials
        self.spoilt = spoilt
        self.planned = planned
        self.thresholds = thresholds
    }

    /// Trials of real strategies.
    package var real: [TrialResult] { trials.filter { !$0.isControl } }
}

/// The one sentence above every report, and the exit code.
package struct Verdict: Sendable, Codable, Equatable {
    package var exit: BenchExit
    /// `pass`, `regression`, `inconclusive`, `invalid`, `violation`, `interrupted` or `failed`.
    package var word: String
    package var sentence: String

    /// The worst finding wins.
    package init(_ end: RunEnd, _ findings: Findings) {
        switch end {
        case .interrupted:
            self.init(
                .interrupted, "interrupted",
                "Interrupted after \(findings.trials.count) trials; what follows is partial.")
        case .failed(let error):
            self.init(
                error.exitCode, "failed",
                "Failed after \(findings.trials.count) trials: \(error.description).")
        case .complete:
            let (exit, parts) = Self.complete(findings)
            self.init(exit, exit.word, (parts + findings.remarks).joined(separator: " "))
        }
    }

    /// With what the other modes of a run found: the worst one decides, and each that is not good is named.
    package func beside(_ others: [(mode: RunMode, verdict: Verdict)]) -> Verdict {
        var joined = self
        for (mode, verdict) in others where verdict.exit != .good {
            if verdict.exit.severity > joined.exit.severity {
                (joined.exit, joined.word) = (verdict.exit, verdict.word)
            }
            joined.sentence += " In \(mode.rawValue) mode: \(verdict.sentence)"
        }
        return joined
    }

    private init(_ exit: BenchExit, _ word: String, _ sentence: String) {
        self.exit = exit
        self.word = word
        self.sentence = sentence
    }

    private static func complete(_ found: Findings) -> (BenchExit, [String]) {
        let wrong = found.strategies.filter(\.isViolated).map(\.id)
        if !wrong.isEmpty { return (.violation, ["Sold wrongly: \(wrong.joined(separator: ", "))."]) }
        let missed = found.controls.filter { $0.isCaught == false }.map(\.id)
        if !missed.isEmpty {
            return (
                .invalid,
                [
                    "The negative control \(missed.joined(separator: ", ")) was not caught overselling: "
                        + "this audit cannot be trusted."
                ]
            )
        }
        let failed = found.failures
        let judged = Set(found.real.map(\.strategy)).subtracting(failed.map(\.trial.strategy))
        if judged.isEmpty, !(failed.isEmpty && found.spoilt.isEmpty) {
            return (.invalid, ["The numbers are not to be trusted."] + found.reasons + [found.stockSentence])
        }
        let lost = found.strategies.filter { $0.targets.contains(where: \.isFailure) }.map(\.id)
        if !lost.isEmpty {
            return (
                .regression,
                ["A target that the thresholds ask for was missed by \(lost.joined(separator: ", "))."]
                    + found.missedTargets + found.reasons + [found.stockSentence]
            )
        }
        if !failed.isEmpty || !found.unjudgedLoads.isEmpty {
            let names = found.unjudgedLoads + failed.map(\.trial.strategy).removingDuplicates()
            return (
                .inconclusive,
                ["Nothing can be said of \(names.removingDuplicates().joined(separator: ", "))."]
                    + found.reasons
                    + [found.stockSentence]
            )
        }
        let unread = found.unread
        if !unread.isEmpty { return (.inconclusive, unread + found.reasons) }
        return (.good, found.praise)
    }
}

extension Findings {
    /// Checks of the measurement that failed in trials which count.
    fileprivate var failures: [(trial: TrialResult, check: Check)] {
        real.flatMap { trial in
            trial.checks.filter { $0.kind == .measurement && $0.state == .fail }.map { (trial, $0) }
        }
    }

    /// The checks that could not be made, each with its strategies and controls, and what to do.
    fileprivate var unread: [String] {
        let unknown = trials.flatMap { trial in
            trial.checks.filter { $0.state == .unknown && (!trial.isControl || $0.kind == .correctness) }.map
            {
                (strategy: trial.strategy, id: $0.id)
            }
        }
        return unknown.map(\.id).removingDuplicates().map { id in
            let names = unknown.filter { $0.id == id }.map(\.strategy).removingDuplicates()
            let remedy = Remedy.known(id).map { ": \($0)" } ?? ": what it needs could not be read"
            return "The check \(id) could not be made for \(names.joined(separator: ", "))\(remedy)."
        }
    }

    /// Loads all trials of which were spoilt.
    fileprivate var unjudgedLoads: [String] {
        spoilt.filter(\.isLeftOut).filter { out in
            !real.contains { trial in
                trial.strategy == out.strategy && trial.model == out.model
                    && trial.offer?.ratePerSecond == out.ratePerSecond
                    && trial.userSuccesses.counts.count == out.users
            }
        }.map { out in
            let rate = out.ratePerSecond.map { " at \(Text.number($0))/s" } ?? ""
            return "\(out.strategy) (\(out.model.rawValue)\(rate), \(out.users) users)"
        }.removingDuplicates()
    }

    /// Why trials fail or were left out: check, value, limit, trial, remedy; one sentence for each check.
    fileprivate var reasons: [String] {
        var sentences: [String] = []
        let failures = failures
        for id in failures.map(\.check.id).removingDuplicates() {
            let same = failures.filter { $0.check.id == id }
            guard let worst = same.max(by: { ($0.check.strain ?? 0) < ($1.check.strain ?? 0) }) else {
                continue
            }
            let (trial, check) = worst
            let more = same.count > 1 ? " and \(same.count - 1) more" : ""
            let users = trial.userSuccesses.counts.count
            sentences.append(
                "\(id) \(check.value), must be \(check.limit), in trial \(trial.order) of \(planned) "
                    + "(\(trial.strategy), \(trial.model.rawValue), \(users) users)\(more): \(Remedy.of(id))."
            )
        }
        for out in spoilt.filter(\.isLeftOut).last(ofEach: \.order) {
            let remedy = out.causes.first.map { ": \(Remedy.of($0.check))" } ?? ""
            let tries =
                out.attempt > 1
                ? "repeated \(Text.times(out.attempt - 1))" : "not repeated, the run had no repetition left"
            sentences.append(
                "Left out: \(out.why), in \(out.place(of: planned))\(remedy); \(tries); \(out.stockWord).")
        }
        return sentences
    }

    /// What is said beside any verdict about a measurement.
    fileprivate var stockSentence: String {
        let books = trials.filter { !$0.isControl }.flatMap(\.checks).filter {
            $0.kind == .correctness && $0.state != .notChecked
        }
        let isKnown = !books.contains { $0.state == .unknown } && !spoilt.contains { $0.isStockExact == nil }
        return isKnown
            ? "The stock was exact in every trial."
            : "Whether the stock was exact could not be read in every trial."
    }

    fileprivate var missedTargets: [String] {
        strategies.flatMap { strategy in
            strategy.targets.filter(\.isFailure).map {
                "\(strategy.id): \($0.name) \($0.measured), must be \($0.limit)."
            }
        }
    }

    fileprivate var praise: [String] {
        var parts: [String] = []
        if !strategies.isEmpty {
            parts.append("Every strategy sold exactly what the stock lost (\(strategies.count) strategies).")
        }
        for control in controls {
            let checks = control.caughtBy.joined(separator: ", ")
            parts.append("The negative control \(control.id) was caught overselling (\(checks)).")
        }
        let missed = strategies.flatMap { strategy in
            strategy.targets.filter { $0.isMet == false }.map { (name: $0.name, id: strategy.id) }
        }
        let names = strategies.first?.targets.map(\.name) ?? []
        for name in names where missed.contains(where: { $0.name == name }) {
            let ids = missed.filter { $0.name == name }.map(\.id).joined(separator: ", ")
            parts.append("The target of \(name) was missed by \(ids).")
        }
        return parts + reasons
    }

    /// What belongs beside every verdict of a run that came to its end.
    fileprivate var remarks: [String] {
        var parts: [String] = []
        for again in spoilt.filter({ !$0.isLeftOut }).last(ofEach: \.order) {
            parts.append(
                "Repeated \(Text.times(again.attempt)): \(again.place(of: planned)), because of \(again.why); "
                    + "\(again.stockWord).")
        }
        if controls.isEmpty {
            parts.append(
                "The negative control was not run: that this audit catches overselling is not shown here.")
        }
        let skipped = CheckSummary.all(trials).filter { $0.notChecked != nil }.map(\.id)
        if !skipped.isEmpty { parts.append("Not checked here: \(skipped.joined(separator: ", ")).") }
        return parts
    }
}

extension Array {
    /// The last one of each that have the same value there, in the order in which that value first appears.
    fileprivate func last<Key: Hashable>(ofEach key: (Element) -> Key) -> [Element] {
        var found: [Key: Element] = [:]
        for element in self { found[key(element)] = element }
        return map(key).removingDuplicates().compactMap { found[$0] }
    }
}
