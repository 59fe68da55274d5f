import BenchModel
import BenchResults
import FaultAudit

/// The cells of one strategy under one fault at one level: one for each seed, read together.
struct FaultPair: Sendable {
    /// What a reader is told of a cell. The later one is the worse.
    enum Result: Int, Sendable, Comparable, CaseIterable {
        case safe
        /// Theory demands a violation, and the tries showed none: that is not safe.
        case notShown
        case unknown
        /// Violated, as theory says, or with a lock of which theory says nothing.
        case violated
        case againstTheory
        case ledgerLost

        init(_ cell: FaultCell) {
            self =
                switch cell.judgement {
                case .ledgerLost: .ledgerLost
                case .againstTheory: .againstTheory
                case .notShown: .notShown
                case .undecided: .unknown
                case .asExpected, .seen: cell.verdict == .violated ? .violated : .safe
                }
        }

        var isViolated: Bool { self >= .violated }

        /// A reader has to look at it: it is not what theory says, or nobody knows.
        var isOpen: Bool { self != .safe && self != .violated }

        var word: String {
            switch self {
            case .safe: "safe"
            case .notShown: "not shown"
            case .unknown: "unknown"
            case .violated, .againstTheory, .ledgerLost: "VIOLATED"
            }
        }

        static func < (one: Result, other: Result) -> Bool { one.rawValue < other.rawValue }
    }

    let strategy: String
    let fault: String
    let level: FaultLevel
    /// In the order of their seeds; never empty.
    let cells: [FaultCell]

    /// The cell with the worst result; of several the one with the smallest seed.
    var shown: FaultCell {
        cells.dropFirst().reduce(cells[0]) { Result($1) > Result($0) ? $1 : $0 }
    }

    /// The worst of the seeds.
    var result: Result { Result(shown) }

    /// `2 of 3 seeds`, where the seeds differ.
    var share: String? {
        let same = cells.count { Result($0) == result }
        return same == cells.count ? nil : "\(same) of \(cells.count) seeds"
    }

    /// What stands beside the word.
    var notes: [String] {
        let note: String? =
            switch result {
            case .againstTheory: "against theory"
            case .ledgerLost: "ledger lost"
            case .safe where shown.expected == .mayBeViolated: "may break"
            case _ where shown.judgement == .seen: "no theory"
            case .safe, .violated, .notShown, .unknown: nil
            }
        return [note, share].compactMap(\.self)
    }

    /// The median over the seeds; nil: no seed has it.
    func median(_ figure: (FaultCell.Figures) -> Double?) -> Double? {
        Self.median(cells.compactMap { $0.shown.flatMap { figure($0.figures) } })
    }

    /// The median over the seeds; a seed that sold before the fault and did not recover counts as endless.
    /// Nil: no seed sold anything before.
    var recoveryMs: Double? {
        median { $0.recoveryMs ?? ($0.availability == nil ? nil : .infinity) }
    }

    private static func median(_ values: [Double]) -> Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        return low == high ? low : (low + high) / 2
    }
}

/// Results by strategy, fault and level.
struct FaultMatrix: Sendable {
    let results: FaultResults
    /// In the order of the results; one that only a cell names comes last.
    let strategies: [String]
    let faults: [String]
    /// In the order of ``FaultLevel``; only those that something was run at.
    let levels: [FaultLevel]
    private let pairs: [String: FaultPair]
    private let reasons: [String: String]

    init(_ results: FaultResults) {
        self.results = results
        let cells = results.cells
        strategies = (results.strategies.map(\.id) + cells.map(\.strategy)).removingDuplicates()
        faults = (results.faults.map(\.id) + cells.map(\.fault)).removingDuplicates()
        levels = FaultLevel.allCases.filter { level in cells.contains { $0.level == level } }
        pairs = Dictionary(grouping: cells) { Self.key($0.strategy, $0.fault, $0.level) }.mapValues { cells in
            FaultPair(
                strategy: cells[0].strategy, fault: cells[0].fault, level: cells[0].level,
                cells: cells.sorted { $0.seed < $1.seed })
        }
        reasons = Dictionary(
            results.notApplicable.map { (Self.key($0.strategy, $0.fault, $0.level), $0.why) },
            uniquingKeysWith: { first, _ in first })
    }

    private static func key(_ strategy: String, _ fault: String, _ level: FaultLevel) -> String {
        [level.rawValue, strategy, fault].joined(separator: "\n")
    }

    /// Nil: it was not run.
    func pair(_ strategy: String, _ fault: String, _ level: FaultLevel) -> FaultPair? {
        pairs[Self.key(strategy, fault, level)]
    }

    /// Why this fault cannot strike this strategy; nil: it can.
    func reason(_ strategy: String, _ fault: String, _ level: FaultLevel) -> String? {
        reasons[Self.key(strategy, fault, level)]
    }

    /// By level, then fault, then strategy.
    var all: [FaultPair] {
        levels.flatMap { level in
            faults.flatMap { fault in strategies.compactMap { pair($0, fault, level) } }
        }
    }

    /// The faults that were run at a level, or that cannot strike there.
    func faults(at level: FaultLevel) -> [String] {
        faults.filter { fault in
            strategies.contains { pair($0, fault, level) != nil || reason($0, fault, level) != nil }
        }
    }

    func summary(strategy: String) -> String? { results.strategies.first { $0.id == strategy }?.summary }
    func summary(fault: String) -> String? { results.faults.first { $0.id == fault }?.summary }
}

extension FaultLevel {
    var title: String {
        switch self {
        case .strategy: "Strategy level"
        case .service: "Service level"
        }
    }

    /// In the middle of a sentence.
    var words: String { title.prefix(1).lowercased() + title.dropFirst() }

    /// - Parameter servers: At the level of the service.
    func meaning(servers: Int?) -> String {
        if let servers, self == .service {
            return
                "Buyers buy over HTTP, with idempotency keys, from \(servers) servers in turn, whose ledger is on one "
                + "PostgreSQL. What strikes a server or its connections strikes one of them. The ledger has the last word."
        }
        return switch self {
        case .strategy:
            "Several processes buy through the strategy itself: no HTTP, no ledger. The stock is in Redis alone."
        case .service:
            "Buyers buy over HTTP, with idempotency keys, from a server with its ledger. The ledger has the last word."
        }
    }
}

extension FaultExpectation {
    var words: String {
        switch self {
        case .safe: "safe"
        case .violated: "violated"
        case .mayBeViolated: "may be violated"
        case .unknown: "nothing"
        }
    }
}
