import LockStrategies

/// What happened to a negative control.
struct ControlResult: Sendable, Codable, Equatable {
    var id: String
    /// Nil: its trial was not finished.
    @OrNull var isCaught: Bool?
    /// The checks that turned red, as they must.
    var caughtBy: [String]
    /// Nil: it is a negative control.
    var ceiling: CeilingResult?

    init(_ finished: FinishedCeiling) {
        id = finished.ceiling.rawValue
        isCaught = nil
        caughtBy = []
        ceiling = CeilingResult(finished)
    }

    init(_ id: StrategyID, _ trial: TrialResult?) {
        self.id = id.rawValue
        caughtBy = trial?.violations.map(\.id) ?? []
        isCaught = trial.map { !$0.violations.isEmpty }
    }
}

/// The one sentence above every report, and the exit code.
struct Verdict: Sendable, Codable, Equatable {
    var exit: BenchExit
    /// `pass`, `inconclusive`, `invalid`, `violation`, `interrupted` or `failed`.
    var word: String
    var sentence: String

    /// The worst finding wins.
    init(
        end: RunEnd, strategies: [StrategyResult], controls: [ControlResult], trials: [TrialResult]
    ) {
        let wrong = strategies.filter(\.isViolated).map(\.id)
        let missed = controls.filter { $0.isCaught == false }.map(\.id)
        let real = trials.filter { !$0.isControl }
        let failed = real.filter { $0.checks.contains { $0.kind == .measurement && $0.state == .fail } }
        let unread = real.filter { $0.checks.contains { $0.state == .unknown } }
        let blind = trials.filter { trial in
            trial.isControl && trial.checks.contains { $0.kind == .correctness && $0.state == .unknown }
        }
        switch end {
        case .interrupted:
            self.init(
                .interrupted, "interrupted",
                "Interrupted after \(trials.count) trials; what follows is partial.")
        case .failed(let error):
            self.init(error.exitCode, "failed", "Failed after \(trials.count) trials: \(error.description).")
        case .complete where !wrong.isEmpty:
            self.init(.violation, "violation", "Sold wrongly: \(wrong.joined(separator: ", ")).")
        case .complete where !missed.isEmpty:
            self.init(
                .invalid, "invalid",
                "The negative control \(missed.joined(separator: ", ")) was not caught overselling: "
                    + "this audit cannot be trusted.")
        case .complete where !failed.isEmpty:
            self.init(
                .invalid, "invalid",
                "The numbers are not to be trusted; checks failed for \(Self.names(failed)).")
        case .complete where !unread.isEmpty || !blind.isEmpty:
            self.init(
                .inconclusive, "inconclusive", "Checks could not be made for \(Self.names(unread + blind)).")
        case .complete:
            self.init(.good, "pass", Self.praise(strategies, controls, trials))
        }
    }

    private init(_ exit: BenchExit, _ word: String, _ sentence: String) {
        self.exit = exit
        self.word = word
        self.sentence = sentence
    }

    private static func names(_ trials: [TrialResult]) -> String {
        var seen: [String] = []
        for trial in trials where !seen.contains(trial.strategy) { seen.append(trial.strategy) }
        return seen.joined(separator: ", ")
    }

    private static func praise(
        _ strategies: [StrategyResult], _ controls: [ControlResult], _ trials: [TrialResult]
    ) -> String {
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
        let skipped = CheckSummary.all(trials).filter { $0.notChecked != nil }.map(\.id)
        if !skipped.isEmpty { parts.append("Not checked here: \(skipped.joined(separator: ", ")).") }
        return parts.joined(separator: " ")
    }
}
