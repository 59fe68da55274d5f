import BenchModel
import BenchResults
import FaultAudit

/// What a run of the fault lab says to somebody who has to choose a strategy. From the run's own data only.
struct FaultAnswer: Sendable {
    /// What broke one strategy.
    struct Line: Sendable {
        let strategy: String
        /// `breaks under: slow-holder, pause-buyer`
        let words: String
        let isBroken: Bool
    }

    let matrix: FaultMatrix
    private var results: FaultResults { matrix.results }

    /// The result in one word: as theory says, or not, or not known.
    var word: String {
        if results.cells.isEmpty { return "nothing was run" }
        return switch results.exit {
        case .good: "as theory says"
        case .violation: "against theory"
        case .interrupted: "interrupted"
        case .inconclusive, .regression, .invalid, .unreachable, .usage: "not decided"
        }
    }

    /// The class of the page's verdict box, which gives it its colour.
    var kind: String {
        switch results.exit {
        case .good: "pass"
        case .violation: "violation"
        case .inconclusive, .interrupted, .regression, .invalid, .unreachable, .usage: "unknown"
        }
    }

    /// How many cells there are, and what they come to.
    var sentence: String {
        let cells = results.cells
        guard !cells.isEmpty else { return "No cell was run: nothing is known." }
        func count(_ judgement: FaultCell.Judgement) -> Int { cells.count { $0.judgement == judgement } }
        let parts = [
            (count(.ledgerLost), "in which the ledger lost something"),
            (count(.againstTheory), "against theory"),
            (count(.notShown), "in which a violation that theory demands was not shown"),
            (count(.undecided), "undecided"), (count(.seen), "of which theory demands nothing"),
        ].filter { $0.0 > 0 }.map { "\(Text.grouped($0)) \($1)" }
        let right = count(.asExpected)
        let all = Text.count(cells.count, "cell")
        guard !parts.isEmpty else {
            return cells.count == 1 ? "1 cell, as theory says." : "\(all), every one as theory says."
        }
        return "\(all): \(Text.grouped(right)) as theory says, \(parts.joined(separator: ", "))."
    }

    /// Which strategies something broke, and which nothing did; nil: nothing is known of any.
    var broken: String? {
        let pairs = Dictionary(grouping: matrix.all, by: \.strategy)
        let broken = matrix.strategies.filter { pairs[$0]?.contains { $0.result.isViolated } == true }
        let whole = matrix.strategies.filter { pairs[$0]?.allSatisfy { $0.result == .safe } == true }
        let parts = [
            broken.isEmpty ? nil : "Broken by at least one fault: \(broken.joined(separator: ", ")).",
            whole.isEmpty ? nil : "Nothing broke \(whole.joined(separator: ", ")).",
        ].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    /// What a reader must not overlook, one sentence each.
    var warnings: [String] {
        var lines: [String] = []
        if results.run.status != .complete || results.notRun > 0 { lines.append(unfinished) }
        if !results.env.isRepresentative {
            lines.append("A debug build was run: what faults cost is not representative.")
        }
        let texts: [(FaultPair.Result, String)] = [
            (.ledgerLost, "The ledger lost something"),
            (.againstTheory, "Violated, although theory says safe"),
            (.notShown, "Not shown, and so not known to be safe: theory demands a violation"),
            (.unknown, "Undecided, and so not known to be safe"),
        ]
        for (result, text) in texts {
            let names = matrix.all.filter { $0.result == result }.map(name)
            if !names.isEmpty { lines.append("\(text): \(Self.list(names)).") }
        }
        let partly = matrix.all.filter { $0.result == .violated && $0.share != nil }.map(name)
        if !partly.isEmpty { lines.append("Violated with some of the seeds only: \(Self.list(partly)).") }
        return lines
    }

    private func name(_ pair: FaultPair) -> String {
        let level = matrix.levels.count > 1 ? " (\(pair.level.words))" : ""
        return "\(pair.strategy) under \(pair.fault)\(level)"
    }

    var unfinished: String {
        let left = "\(Text.count(results.notRun, "cell")) \(results.notRun == 1 ? "was" : "were") not run."
        return switch results.run.status {
        case .interrupted: "The run was interrupted: \(left)"
        case .outOfTime: "The time was spent before every cell had its turn: \(left)"
        case .complete: left
        }
    }

    /// One line for each strategy.
    var lines: [Line] {
        matrix.strategies.map { strategy in
            let broken = matrix.levels.compactMap { level -> String? in
                let pairs = matrix.faults.compactMap { matrix.pair(strategy, $0, level) }
                let faults = pairs.filter(\.result.isViolated).map(\.fault)
                guard !faults.isEmpty else { return nil }
                let isAll = faults.count == pairs.count && faults.count > 4
                let names =
                    isAll
                    ? "all \(faults.count) (\(Self.list(faults, most: 3)))"
                    : faults.joined(separator: ", ")
                return matrix.levels.count > 1 ? "at \(level.words) under: \(names)" : "under: \(names)"
            }
            let words = [
                broken.isEmpty ? unbroken(strategy) : "breaks \(broken.joined(separator: "; "))"
            ]
            return Line(
                strategy: strategy, words: (words + doubts(strategy)).joined(separator: "; "),
                isBroken: !broken.isEmpty)
        }
    }

    private func unbroken(_ strategy: String) -> String {
        let cells = results.cells.filter { $0.strategy == strategy }
        let safe = cells.count { FaultPair.Result($0) == .safe }
        if safe == 0 { return cells.isEmpty ? "not run" : "nothing is known" }
        return "nothing broke it in \(Text.count(safe, "cell"))"
    }

    /// What is not known of it.
    private func doubts(_ strategy: String) -> [String] {
        [(FaultPair.Result.notShown, "not shown"), (.unknown, "undecided")].compactMap { result, word in
            let names = matrix.all.filter { $0.strategy == strategy && $0.result == result }.map(\.fault)
            return names.isEmpty ? nil : "\(word): \(names.removingDuplicates().joined(separator: ", "))"
        }
    }

    /// `a, b, c and 4 more`
    static func list(_ names: [String], most: Int = 8) -> String {
        let rest = names.count - most
        return names.prefix(most).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
