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

    package static let currentSchema = "1.2"

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
        judgements = Judgement.all(asked.questions, noiseFloor: thresholds.noiseFloorPercent / 100)
        regressions = Self.regressions(judgements, thresholds)
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
            let isJudged = judgements.contains { $0.word != .tooFewRounds }
            if exit == .inconclusive && isJudged { exit = .good }
        }
        if !unanswered.isEmpty {
            sentence += " Not in the new results: \(unanswered.joined(separator: ", "))."
            if exit == .good { exit = .inconclusive }
        }
        if results.verdict.exit == .inconclusive {
            sentence += " The new results are inconclusive: \(results.verdict.sentence)"
            if exit == .good { exit = .inconclusive }
        }
        return (exit, sentence)
    }

    private static func regressions(_ judgements: [Judgement], _ thresholds: Thresholds) -> [String] {
        judgements.filter { judgement in
            judgement.word == .slower && judgement.better < 1 - thresholds.regressionPercent / 100
        }.map(\.name)
    }

    /// What the judgements come to, of results that may be compared.
    package static func end(
        of judgements: [Judgement], _ thresholds: Thresholds, lostTargets: [String] = []
    ) -> (BenchExit, String) {
        if judgements.isEmpty { return (.inconclusive, "Nothing could be compared.") }
        let judged = judgements.filter { $0.word != .tooFewRounds }
        let few = judgements.filter { $0.word == .tooFewRounds }
        let rounds = judgements.map(\.roundsNeeded).max() ?? 0
        let rest =
            few.isEmpty
            ? ""
            : " Too few rounds (\(rounds) are needed) to judge \(few.map(\.name).joined(separator: ", "))."
        let regressions = regressions(judged, thresholds)
        if !regressions.isEmpty {
            return (.regression, "Slower: \(regressions.joined(separator: ", ")).\(rest)")
        }
        if !lostTargets.isEmpty {
            return (.regression, "Targets lost: \(lostTargets.joined(separator: ", ")).\(rest)")
        }
        if judged.isEmpty {
            return (
                .inconclusive,
                "Too few rounds to tell a difference of \(judgements.count) figures: \(rounds) are needed."
            )
        }
        let (exit, sentence) = resolved(judged, thresholds)
        return (exit, sentence + rest)
    }

    /// Nothing was found: how much could have been there all the same?
    private static func resolved(
        _ judgements: [Judgement], _ thresholds: Thresholds
    ) -> (BenchExit, String) {
        let open = judgements.filter { $0.leastBetter < 1 - thresholds.unresolved }
        if !open.isEmpty {
            return (
                .inconclusive,
                "No regression was found, but the trials differ too much to exclude one of "
                    + "\(Text.number(thresholds.unresolved * 100)) %: \(open.map(\.name).joined(separator: ", ")). "
                    + "More rounds, longer trials or a quieter machine can tell."
            )
        }
        let limit = "\(Text.number(thresholds.regressionPercent)) %"
        let faster = judgements.filter { $0.word == .faster }.map(\.name)
        let praise = faster.isEmpty ? "" : " Faster: \(faster.joined(separator: ", "))."
        let worst = judgements.min { $0.leastBetter < $1.leastBetter }
        guard let worst, worst.leastBetter < 1 - thresholds.regressionPercent / 100 else {
            return (.good, "No regression: one beyond \(limit) is excluded for every figure.\(praise)")
        }
        let most = Text.number(((1 - worst.leastBetter) * 100).rounded(.up))
        return (
            .good,
            "No regression beyond \(limit) was found; up to \(most) % is not excluded (\(worst.name)).\(praise)"
        )
    }

    /// One figure of every trial of a strategy.
    package static func values(_ results: RunResults, _ id: String, _ figure: Judgement.Figure) -> [Double] {
        let trials = results.trials.filter { $0.strategy == id && !$0.isControl }
        let success = BuyerOutcome.success.rawValue
        switch figure {
        case .purchasesPerSecond: return trials.filter { !$0.model.isOpen }.map(\.purchasesPerSecond)
        case .serviceP95: return trials.filter { !$0.model.isOpen }.compactMap { $0.latencyUs[success]?.p95 }
        case .responseP95: return trials.filter(\.model.isOpen).compactMap { $0.responseUs[success]?.p95 }
        }
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
