import Foundation

/// Two results against each other: a pure value, from which every output of `compare` is drawn.
struct Comparison: Sendable, Codable, Equatable {
    struct Side: Sendable, Codable, Equatable {
        var id: String
        @OrNull var gitCommit: String?
        var started: Date
        var verdict: String
    }

    static let currentSchema = "1.0"

    var schemaVersion: String
    var base: Side
    var new: Side
    var thresholds: Thresholds
    /// Why the two cannot be compared; empty when they can.
    var differences: [String]
    var judgements: [Judgement]
    /// Of the judgements: slower by more than the threshold.
    var regressions: [String]
    /// Targets that the new results miss and the base met.
    var lostTargets: [String]
    var exit: BenchExit
    var sentence: String

    init(base: RunResults, new: RunResults, thresholds: Thresholds) {
        schemaVersion = Self.currentSchema
        self.base = Side(base)
        self.new = Side(new)
        self.thresholds = thresholds
        differences = Fingerprint.differences(base, new)
        judgements =
            differences.isEmpty
            ? Judgement.all(
                Self.questions(base, new), noiseFloor: thresholds.noiseFloorPercent / 100) : []
        regressions = judgements.filter { judgement in
            let better = judgement.figure.isRate ? judgement.ratio : 1 / judgement.ratio
            return judgement.word == .slower && better < 1 - thresholds.regressionPercent / 100
        }.map { "\($0.strategy) (\($0.figure.name))" }
        lostTargets = differences.isEmpty ? Self.lostTargets(base, new) : []
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
        if !differences.isEmpty {
            return (.inconclusive, "Not comparable: \(differences.joined(separator: "; ")).")
        }
        if judgements.isEmpty { return (.inconclusive, "Nothing could be compared.") }
        if !regressions.isEmpty { return (.regression, "Slower: \(regressions.joined(separator: ", ")).") }
        if !lostTargets.isEmpty {
            return (.regression, "Targets lost: \(lostTargets.joined(separator: ", ")).")
        }
        let rounds = judgements.map(\.roundsNeeded).max() ?? 0
        if judgements.contains(where: { $0.word == .tooFewRounds }) {
            return (
                .inconclusive,
                "Too few rounds to tell a difference of \(judgements.count) figures: \(rounds) are needed."
            )
        }
        let faster = judgements.filter { $0.word == .faster }.map { "\($0.strategy) (\($0.figure.name))" }
        let praise = faster.isEmpty ? "" : " Faster: \(faster.joined(separator: ", "))."
        return (.good, "No regression beyond \(Text.number(thresholds.regressionPercent)) %.\(praise)")
    }

    /// What stands in both, trial by trial.
    private static func questions(_ base: RunResults, _ new: RunResults) -> [Judgement.Question] {
        let ids = base.strategies.map(\.id).filter { id in new.strategies.contains { $0.id == id } }
        return ids.flatMap { id in
            Judgement.Figure.allCases.compactMap { figure in
                let (before, after) = (values(base, id, figure), values(new, id, figure))
                guard !before.isEmpty, !after.isEmpty else { return nil }
                return Judgement.Question(strategy: id, figure: figure, base: before, new: after)
            }
        }
    }

    /// One figure of every trial of a strategy.
    static func values(_ results: RunResults, _ id: String, _ figure: Judgement.Figure) -> [Double] {
        let trials = results.trials.filter { $0.strategy == id && !$0.isControl }
        let success = PurchaseOutcome.success.rawValue
        switch figure {
        case .purchasesPerSecond: return trials.filter { !$0.model.isOpen }.map(\.purchasesPerSecond)
        case .serviceP95: return trials.filter { !$0.model.isOpen }.compactMap { $0.latencyUs[success]?.p95 }
        case .responseP95: return trials.filter(\.model.isOpen).compactMap { $0.responseUs[success]?.p95 }
        }
    }

    private static func lostTargets(_ base: RunResults, _ new: RunResults) -> [String] {
        new.strategies.flatMap { strategy -> [String] in
            let before = base.strategies.first { $0.id == strategy.id }?.targets ?? []
            return strategy.targets.filter { target in
                target.isMet == false && before.contains { $0.name == target.name && $0.isMet == true }
            }.map { "\(strategy.id): \($0.name)" }
        }
    }

    /// As written by `compare --json`.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

extension Comparison.Side {
    init(_ results: RunResults) {
        id = results.run.id
        gitCommit = results.run.gitCommit
        started = results.run.started
        verdict = results.verdict.word
    }
}

/// What must be equal for two results to be comparable.
enum Fingerprint {
    static func differences(_ base: RunResults, _ new: RunResults) -> [String] {
        var found: [String] = []
        func look(_ name: String, _ before: some Equatable, _ after: some Equatable) {
            if "\(before)" != "\(after)" { found.append("\(name): \(before) and \(after)") }
        }
        look("host", base.env.host, new.env.host)
        look("processor", base.env.cpu, new.env.cpu)
        look("cores", base.env.cores, new.env.cores)
        look("memory (MiB)", base.env.memoryMib, new.env.memoryMib)
        look("kernel", base.env.kernel, new.env.kernel)
        look("build", base.env.buildMode, new.env.buildMode)
        look("mode", base.workload.mode.rawValue, new.workload.mode.rawValue)
        look("scenario", base.workload.scenario.rawValue, new.workload.scenario.rawValue)
        look("products", base.workload.products, new.workload.products)
        look("skew", base.workload.skew, new.workload.skew)
        look("sweep", base.sweep?.kind.rawValue ?? "none", new.sweep?.kind.rawValue ?? "none")
        look("target", base.workload.target, new.workload.target)
        look("users", base.workload.users, new.workload.users)
        look("measured seconds", base.workload.durationSeconds, new.workload.durationSeconds)
        look("warm-up seconds", base.workload.warmupSeconds, new.workload.warmupSeconds)
        look("Redis", base.systemUnderTest.redis?.version ?? "-", new.systemUnderTest.redis?.version ?? "-")
        look(
            "appendfsync", base.systemUnderTest.redis?.appendfsync ?? "-",
            new.systemUnderTest.redis?.appendfsync ?? "-")
        look("SQLite", base.systemUnderTest.sqliteVersion ?? "-", new.systemUnderTest.sqliteVersion ?? "-")
        if base.env.buildMode != "release" { found.append("the base is no release build") }
        for (side, results) in [("base", base), ("new", new)] where results.run.status != "complete" {
            found.append("the \(side) run is \(results.run.status)")
        }
        if base.verdict.exit == .invalid || base.verdict.exit == .violation {
            found.append("the base is \(base.verdict.word)")
        }
        let offers = [base, new].map { results in
            Set(results.trials.compactMap { $0.offer?.ratePerSecond }).sorted()
        }
        if offers[0] != offers[1], offers.allSatisfy({ !$0.isEmpty }) {
            found.append("offered rates: \(offers[0]) and \(offers[1])")
        }
        return found
    }
}
