package import BenchModel
package import FaultAudit

/// One strategy under one fault, tried until a violation was shown or the tries were spent.
package struct FaultCell: Sendable, Codable, Equatable {
    /// What the verdict means beside what theory says.
    package enum Judgement: String, Sendable, Codable, CaseIterable {
        case asExpected = "as-expected"
        /// Theory calls it safe, and a violation was shown.
        case againstTheory = "against-theory"
        /// Something that a buyer was told is not in the ledger, or the ledger and the stock disagree.
        case ledgerLost = "ledger-lost"
        /// Theory demands a violation, and none was shown.
        case notShown = "not-shown"
        case undecided
        /// Theory demands nothing of a lock from elsewhere: the verdict is what was seen.
        case seen
    }

    package var strategy: String
    package var fault: String
    package var level: FaultLevel
    package var seed: UInt64
    package var verdict: Auditor.Verdict
    package var expected: FaultExpectation
    package var judgement: Judgement
    /// Why the cell is unknown: what could not be started, or decided; nil for any other.
    @OrNull package var why: String?
    package var tries: Int
    package var mostTries: Int
    /// Of the try that is shown: the one with the violation, else the last one; nil when there was none.
    @OrNull package var shown: Try?
    /// Runs this cell alone again.
    package var command: String

    package init(
        strategy: String, fault: String, level: FaultLevel, seed: UInt64, verdict: Auditor.Verdict,
        expected: FaultExpectation, why: String?, tries: Int, mostTries: Int,
        inexcusable: Set<Auditor.Invariant> = [], shown: Try?, command: String
    ) {
        self.strategy = strategy
        self.fault = fault
        self.level = level
        self.seed = seed
        self.verdict = verdict
        self.expected = expected
        self.why = why
        self.tries = tries
        self.mostTries = mostTries
        self.shown = shown
        self.command = command
        let wrong = Set((shown?.findings ?? []).filter { $0.verdict == .violated }.map(\.invariant))
        judgement =
            wrong.isDisjoint(with: inexcusable)
            ? Self.judgement(verdict, expected, level, wrong) : .againstTheory
    }

    private static func judgement(
        _ verdict: Auditor.Verdict, _ expected: FaultExpectation, _ level: FaultLevel,
        _ wrong: Set<Auditor.Invariant>
    ) -> Judgement {
        // At this level the ledger has the last word: nothing but a refusal of its own may be shown.
        if level == .service && wrong.contains(where: { $0 != .nothingRefused }) { return .ledgerLost }
        return switch (verdict, expected) {
        case (.unknown, _): .undecided
        case (.safe, .safe), (.violated, .violated), (_, .mayBeViolated): .asExpected
        case (.violated, .safe): .againstTheory
        case (.safe, .violated): .notShown
        case (_, .unknown): .seen
        }
    }

    /// The name of its files.
    package var name: String { "\(level.rawValue)-\(strategy)-\(fault)-\(seed)" }
}

extension FaultCell {
    /// One try: what buyers saw, and what the auditor says of it. Times are milliseconds from the first call.
    package struct Try: Sendable, Codable, Equatable {
        package var number: Int
        package var struckMs: Double
        package var healedMs: Double
        package var endedMs: Double
        package var figures: Figures
        package var findings: [Auditor.Finding]
        /// The operations that prove the first violation, and those around it; at a safe cell some around the
        /// strike. In the order in which they began.
        package var operations: [Operation]
        /// The file of the whole history, beside faults.json; nil when it was not kept.
        @OrNull package var history: String?

        package init(
            number: Int, struckMs: Double, healedMs: Double, endedMs: Double, figures: Figures,
            findings: [Auditor.Finding], operations: [Operation], history: String?
        ) {
            self.number = number
            self.struckMs = struckMs
            self.healedMs = healedMs
            self.endedMs = endedMs
            self.figures = figures
            self.findings = findings
            self.operations = operations
            self.history = history
        }
    }

    /// What the fault cost those who bought.
    package struct Figures: Sendable, Codable, Equatable {
        /// Acknowledged purchases.
        package var purchases: Int
        /// Calls of which nobody said what became of them.
        package var unknown: Int
        /// Units of sales that the ledger refused because none was left; nil: there is no ledger.
        @OrNull package var refusedByLedger: Int?
        package var beforePerSecond: Double
        package var duringPerSecond: Double
        package var afterPerSecond: Double
        /// Purchases per second during the fault, as a share of those before; nil: there were none before.
        @OrNull package var availability: Double?
        /// From the end of the fault until at least half as many are sold as before; nil: not in this try.
        @OrNull package var recoveryMs: Double?
        /// The longest time from the fault on in which nobody was sold anything; nil: not counted.
        package var standstillMs: Double?
        @OrNull package var p99BeforeMs: Double?
        /// Of purchases that were under way during the fault.
        @OrNull package var p99DuringMs: Double?
        /// How much longer a purchase that was under way during the fault took than one before, on average.
        @OrNull package var lostMsPerPurchase: Double?

        package init(
            purchases: Int, unknown: Int, refusedByLedger: Int?, beforePerSecond: Double,
            duringPerSecond: Double, afterPerSecond: Double, availability: Double?, recoveryMs: Double?,
            standstillMs: Double? = nil, p99BeforeMs: Double?, p99DuringMs: Double?,
            lostMsPerPurchase: Double?
        ) {
            self.standstillMs = standstillMs
            self.purchases = purchases
            self.unknown = unknown
            self.refusedByLedger = refusedByLedger
            self.beforePerSecond = beforePerSecond
            self.duringPerSecond = duringPerSecond
            self.afterPerSecond = afterPerSecond
            self.availability = availability
            self.recoveryMs = recoveryMs
            self.p99BeforeMs = p99BeforeMs
            self.p99DuringMs = p99DuringMs
            self.lostMsPerPurchase = lostMsPerPurchase
        }
    }

    /// One call of one buyer, for a drawing.
    package struct Operation: Sendable, Codable, Equatable {
        /// Its place in the history.
        package var id: Int
        package var buyer: Int
        package var process: Int
        package var invokedMs: Double
        @OrNull package var answeredMs: Double?
        package var outcome: History.Operation.Outcome
        @OrNull package var holdFromMs: Double?
        /// Nil: the holder never came back, or there was no lock.
        @OrNull package var holdUntilMs: Double?
        @OrNull package var fence: Int64?
        /// One of those that prove the violation.
        package var isProof: Bool

        package init(
            id: Int, buyer: Int, process: Int, invokedMs: Double, answeredMs: Double?,
            outcome: History.Operation.Outcome, holdFromMs: Double?, holdUntilMs: Double?, fence: Int64?,
            isProof: Bool
        ) {
            self.id = id
            self.buyer = buyer
            self.process = process
            self.invokedMs = invokedMs
            self.answeredMs = answeredMs
            self.outcome = outcome
            self.holdFromMs = holdFromMs
            self.holdUntilMs = holdUntilMs
            self.fence = fence
            self.isProof = isProof
        }
    }
}
