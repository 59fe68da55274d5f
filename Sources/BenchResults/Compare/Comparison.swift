package import BenchModel
package import BenchStatistics
package import Foundation

/// Two results against each other: a pure value, from which every output of `compare` is drawn.
package struct Comparison: Sendable, Codable, Equatable {
    package struct Side: Sendable, Codable, Equatable {
        package var id: String
        @OrNull package var gitCommit: String?
        package var started: Date
        package var verdict: String

        package init(id: String, gitCommit: String?, started: Date, verdict: String) {
            self.id = id
            self.gitCommit = gitCommit
            self.started = started
            self.verdict = verdict
        }
    }

    package static let currentSchema = "1.3"

    package var schemaVersion: String
    package var base: Side
    package var new: Side
    package var thresholds: Thresholds
    /// Why the two cannot be compared; empty when they can.
    package var differences: [String]
    /// Why nothing can be concluded, though both met the same conditions.
    var doubts: [String]
    package var judgements: [Judgement]
    /// Figures and strategies that were left out, and why.
    package var notJudged: [String]
    /// What the base was asked and the new results do not answer.
    var unanswered: [String]
    /// Names of the judgements that are slower by more than the threshold.
    var regressions: [String]
    /// Targets that the new results miss and the base met.
    var lostTargets: [String]
    package var exit: BenchExit
    package var sentence: String

    package init(base: RunResults, new: RunResults, thresholds: Thresholds) {
        schemaVersion = Self.currentSchema
        self.base = Side(base)
        self.new = Side(new)
        self.thresholds = thresholds
        differences = Fingerprint.differences(base, new)
        doubts = Fingerprint.doubts(base, new)
        let asked = differences.isEmpty ? Questions(base, new) : Questions()
        notJudged = asked.leftOut
        unanswered = asked.unanswered
        judgements = Judgement.all(
            asked.questions, noiseFloor: thresholds.noiseFloorPercent / 100,
            limit: thresholds.regressionPercent / 100,
            looks: base.run.pair == new.run.pair ? new.run.looks ?? 1 : 1)
        regressions = judgements.filter { Self.isRegression($0, thresholds) }.map(\.name)
        lostTargets = differences.isEmpty ? Self.lostTargets(base, new, judgements) : []
        (exit, sentence) = (.good, "")
        (exit, sentence) = verdict(new)
    }

    /// The worst finding wins.
    private func verdict(_ results: RunResults) -> (BenchExit, String) {
        switch results.verdict.exit {
        case .violation: return (.violation, "The new results sold wrongly: \(results.verdict.sentence)")
        case .interrupted: return (.interrupted, "The new run was interrupted.")
        case .invalid: return (.invalid, "The new results are invalid: \(results.verdict.sentence)")
        case .good, .regression, .inconclusive, .unreachable, .usage: break
        }
        let reasons = differences + doubts
        if !reasons.isEmpty {
            return (.inconclusive, "Not comparable: \(reasons.joined(separator: "; ")).")
        }
        var (exit, sentence) = Self.end(of: judgements, thresholds, lostTargets: lostTargets)
        if base.id == new.id {
            sentence = "Both sides are the same run (\(new.id)), so nothing can differ. " + sentence
            // How far its trials lie apart is no reason to doubt that they are equal to themselves.
            let isJudged = judgements.contains(where: \.word.isJudged)
            if exit == .inconclusive && isJudged { exit = .good }
        }
        if !unanswered.isEmpty {
            sentence += " Not answered: \(unanswered.joined(separator: ", "))."
            if exit == .good { exit = .inconclusive }
        }
        if results.verdict.exit == .inconclusive {
            sentence += " The new results are inconclusive: \(results.verdict.sentence)"
            if exit == .good { exit = .inconclusive }
        }
        return (exit, sentence)
    }

    /// Slower beyond chance, and by more than the limit as far as anybody can tell.
    private static func isRegression(_ judgement: Judgement, _ thresholds: Thresholds) -> Bool {
        judgement.word == .collapsed
            || judgement.word == .slower && judgement.leastBetter < 1 - thresholds.regressionPercent / 100
    }

    /// What the judgements come to, of results that may be compared.
    package static func end(
        of judgements: [Judgement], _ thresholds: Thresholds, lostTargets: [String] = []
    ) -> (BenchExit, String) {
        if judgements.isEmpty { return (.inconclusive, "Nothing could be compared.") }
        let judged = judgements.filter(\.word.isJudged)
        let few = judgements.filter { !$0.word.isJudged }
        let rest =
            few.isEmpty
            ? ""
            : " Too few rounds (\(LogRatio.leastTrials) are needed) to judge \(few.map(\.name).joined(separator: ", "))."
        let stopped = judged.filter { $0.word == .collapsed }
        let slower = judged.filter { $0.word != .collapsed && isRegression($0, thresholds) }
        if !stopped.isEmpty || !slower.isEmpty {
            let parts = [
                stopped.isEmpty ? nil : "Sold nothing: \(stopped.map(\.strategy).joined(separator: ", ")).",
                slower.isEmpty ? nil : "Slower: \(slower.map(range).joined(separator: ", ")).",
            ]
            return (.regression, parts.compactMap(\.self).joined(separator: " ") + rest)
        }
        if !lostTargets.isEmpty {
            return (.regression, "Targets lost: \(lostTargets.joined(separator: ", ")).\(rest)")
        }
        if judged.isEmpty {
            return (
                .inconclusive,
                "Too few rounds to judge \(judgements.count) figures: \(LogRatio.leastTrials) are needed."
            )
        }
        let (exit, sentence) = resolved(judged, thresholds)
        return (exit, sentence + rest)
    }

    /// `lua-atomic (purchases/s) by 4 to 9 % less`
    private static func range(_ judgement: Judgement) -> String {
        func percent(_ better: Double) -> String {
            let part = judgement.figure.isRate ? 1 - better : 1 / better - 1
            return Text.number(part * 100, digits: part < 0.1 ? 1 : 0)
        }
        guard judgement.interval != nil else { return judgement.name }
        let word = judgement.figure.isRate ? "less" : "longer"
        return
            "\(judgement.name) by \(percent(judgement.mostBetter)) to \(percent(judgement.leastBetter)) % \(word)"
    }

    /// Nothing was found: how much could have been there all the same? Figures of fewer rounds than the
    /// others are told and decide nothing.
    private static func resolved(
        _ judgements: [Judgement], _ thresholds: Thresholds
    ) -> (BenchExit, String) {
        let rounds = judgements.map(\.rounds).max() ?? 0
        let wide = judgements.filter { $0.leastBetter < 1 - thresholds.unresolved }
        let open = wide.filter { $0.rounds == rounds }
        if !open.isEmpty {
            return (
                .inconclusive,
                "No regression was found, but the trials differ too much to exclude one of "
                    + "\(Text.number(thresholds.unresolved * 100)) %: \(open.map(\.name).joined(separator: ", ")). "
                    + "More rounds, longer trials or a quieter machine can tell."
            )
        }
        let few = wide.filter { $0.rounds < rounds }
        let rest =
            few.isEmpty
            ? ""
            : " Their fewer rounds leave \(Text.number(thresholds.unresolved * 100)) % open for "
                + "\(few.map(\.name).joined(separator: ", "))."
        let limit = "\(Text.number(thresholds.regressionPercent)) %"
        let faster = judgements.filter { $0.word == .faster }.map(\.name)
        let praise = faster.isEmpty ? "" : " Faster: \(faster.joined(separator: ", "))."
        let worst = judgements.filter { $0.rounds == rounds }.min { $0.leastBetter < $1.leastBetter }
        guard let worst else { return (.inconclusive, "Nothing could be compared.") }
        let part = max(1 - worst.leastBetter, 0) * 100
        let most = Text.number((part * 10).rounded(.up) / 10, digits: 1)
        guard worst.leastBetter < 1 - thresholds.regressionPercent / 100 else {
            return (
                .good,
                "No regression: every figure is at most \(most) % worse (\(worst.name)); the limit is \(limit).\(praise)\(rest)"
            )
        }
        return (
            .good,
            "No regression beyond \(limit) was found; up to \(most) % is not excluded (\(worst.name)).\(praise)\(rest)"
        )
    }

    /// Targets are single numbers. That of the p95 counts as lost only where the p95 itself got worse beyond
    /// chance.
    private static func lostTargets(
        _ base: RunResults, _ new: RunResults, _ judgements: [Judgement]
    ) -> [String] {
        new.strategies.flatMap { strategy -> [String] in
            let before = base.strategies.first { $0.id == strategy.id }?.targets ?? []
            let isSlower = judgements.contains {
                $0.strategy == strategy.id && $0.figure == .serviceP95 && $0.word == .slower
            }
            return strategy.targets.filter { target in
                target.isMet == false && before.contains { $0.name == target.name && $0.isMet == true }
                    && (target.name != StrategyResult.Target.Kind.p95.rawValue || isSlower)
            }.map { "\(strategy.id): \($0.name)" }
        }
    }

    /// As written by `compare --json`.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

extension Comparison.Side {
    package init(_ results: RunResults) {
        id = results.run.id
        gitCommit = results.run.gitCommit
        started = results.run.started
        verdict = results.verdict.word
    }
}
