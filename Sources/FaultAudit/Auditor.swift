/// Judges a history. It shares no code with what it judges, and knows no strategy.
package enum Auditor {
    /// What must hold, whatever was broken.
    package enum Invariant: String, Sendable, Codable, CaseIterable {
        /// Initial stock = stock + open reservations + units that buyers have, but for those whose outcome
        /// nobody knows.
        case conservation
        /// The stock is never below zero.
        case neverBelowZero = "never-below-zero"
        /// Buyers have no more units than there were.
        case neverOversold = "never-oversold"
        /// No two steps left the same stock behind: each took units of its own.
        case noUnitTwice = "no-unit-twice"
        /// Each acknowledged purchase has one row, and no refused one has any.
        case oneRowEach = "one-row-each"
        /// The ledger had to refuse no sale: no unit was given out twice.
        case nothingRefused = "nothing-refused"
        /// No two holders at once; where grants have numbers, only such that the earlier one's write is
        /// refused.
        case noOverlap = "no-overlap"
        /// A later grant has a higher number.
        case fencesRise = "fences-rise"
        /// The answers could have come from one stock that serves one buyer after the other.
        case linearizable
    }

    package enum Verdict: String, Sendable, Codable, CaseIterable {
        case safe
        case violated
        /// The auditor could not decide. Never shown as safe.
        case unknown
    }

    /// What came of one invariant.
    package struct Finding: Sendable, Codable, Equatable {
        package var invariant: Invariant
        package var verdict: Verdict
        /// One sentence: what is wrong, or what could not be decided.
        package var sentence: String
        /// Units by which it is wrong; nil: it is not about units.
        package var units: Int?
        /// The first moment at which it shows.
        package var moment: Int64?
        /// The few operations that prove it.
        package var proof: [Int]

        init(
            _ invariant: Invariant, _ verdict: Verdict, _ sentence: String, units: Int? = nil,
            moment: Int64? = nil, proof: [Int] = []
        ) {
            self.invariant = invariant
            self.verdict = verdict
            self.sentence = sentence
            self.units = units
            self.moment = moment
            self.proof = proof
        }
    }

    package struct Report: Sendable, Codable, Equatable {
        package var verdict: Verdict
        /// In the order of ``Invariant``; only those that this history can show.
        package var findings: [Finding]
    }

    /// Operations that are shown of a violation.
    static let mostProof = 6

    /// - Parameter mostSteps: Of the search of ``Linearizability``.
    package static func judge(_ history: History, mostSteps: Int = Linearizability.mostSteps) -> Report {
        let findings = [
            conservation(history), neverBelowZero(history), neverOversold(history), noUnitTwice(history),
            oneRowEach(history),
            nothingRefused(history), noOverlap(history), fencesRise(history),
            linearizable(history, mostSteps),
        ].compactMap(\.self)
        return Report(verdict: verdict(history, findings), findings: findings)
    }

    /// The worst finding. A history in which nobody bought anything shows nothing.
    private static func verdict(_ history: History, _ findings: [Finding]) -> Verdict {
        if findings.contains(where: { $0.verdict == .violated }) { return .violated }
        let isIdle = !history.operations.contains { $0.outcome == .ok }
        return isIdle || findings.contains { $0.verdict == .unknown } ? .unknown : .safe
    }
}

extension Auditor {
    private static func units(_ history: History, _ outcome: History.Operation.Outcome) -> Int {
        history.operations.reduce(0) { $0 + ($1.outcome == outcome ? $1.units : 0) }
    }

    private static func conservation(_ history: History) -> Finding {
        guard let stock = history.end.stock else {
            return Finding(.conservation, .unknown, "the final stock could not be read")
        }
        let (sold, doubtful) = (units(history, .ok), units(history, .unknown))
        let lost = history.initialStock - stock - history.end.open
        if let rows = history.end.rows {
            // The ledger says who has what: nothing is in doubt.
            return lost == rows.units
                ? Finding(.conservation, .safe, "\(lost) units left the stock, \(rows.units) are in rows")
                : Finding(
                    .conservation, .violated, "\(lost) units left the stock, \(rows.units) are in rows",
                    units: abs(lost - rows.units), moment: history.end.read)
        }
        // Reservations that nobody ended are those of buyers who were told nothing, or of nobody any more.
        let taken = history.initialStock - stock
        guard taken >= sold, lost <= sold + doubtful else {
            let off = taken < sold ? sold - taken : lost - sold - doubtful
            return Finding(
                .conservation, .violated,
                "\(taken) units left the stock, of which \(history.end.open) are open; buyers have \(sold), and perhaps \(doubtful) more",
                units: off, moment: history.end.read, proof: latecomers(history))
        }
        return Finding(
            .conservation, .safe,
            "\(taken) units left the stock; buyers have \(sold), and perhaps \(doubtful) more")
    }

    /// Who worked after the end of a hold while another one was inside, and that one: so a sale is
    /// overwritten. Empty where there are no such two.
    private static func latecomers(_ history: History) -> [Int] {
        let holds = history.operations.compactMap { operation in operation.hold.map { (operation, $0) } }
            .filter { $0.0.outcome == .ok || $0.0.outcome == .unknown }
            .sorted { ($0.1.from, $0.0.id) < ($1.1.from, $1.0.id) }
        for (place, (late, hold)) in holds.enumerated() {
            guard let until = hold.until, let left = hold.left, left > until else { continue }
            let inside = holds[(place + 1)...].prefix { $0.1.from < left }
            if !inside.isEmpty { return [late.id] + inside.prefix(mostProof - 1).map(\.0.id) }
        }
        return []
    }

    private static func neverBelowZero(_ history: History) -> Finding? {
        guard let stock = history.end.stock else { return nil }
        return stock >= 0
            ? Finding(.neverBelowZero, .safe, "the stock ended at \(stock)")
            : Finding(
                .neverBelowZero, .violated, "the stock ended at \(stock)", units: -stock,
                moment: history.end.read)
    }

    private static func neverOversold(_ history: History) -> Finding {
        var sold = 0
        let answers = history.operations.filter { $0.outcome == .ok }
            .sorted { ($0.answered ?? .max, $0.id) < ($1.answered ?? .max, $1.id) }
        for operation in answers {
            sold += operation.units
            if sold > history.initialStock {
                return Finding(
                    .neverOversold, .violated,
                    "buyers have \(units(history, .ok)) units of \(history.initialStock)",
                    units: units(history, .ok) - history.initialStock, moment: operation.answered,
                    proof: [operation.id])
            }
        }
        if let rows = history.end.rows, rows.units > history.initialStock {
            return Finding(
                .neverOversold, .violated, "the rows hold \(rows.units) units of \(history.initialStock)",
                units: rows.units - history.initialStock, moment: history.end.read)
        }
        return Finding(.neverOversold, .safe, "buyers have \(sold) units of \(history.initialStock)")
    }

    private static func noUnitTwice(_ history: History) -> Finding? {
        let sold = history.operations.filter { $0.outcome == .ok && $0.remaining != nil }
            .sorted { ($0.answered ?? .max, $0.id) < ($1.answered ?? .max, $1.id) }
        guard !sold.isEmpty else { return nil }
        var first: [Int: Int] = [:]
        var twice = 0
        var proof: (one: Int, other: Int, moment: Int64?)?
        for operation in sold {
            guard let remaining = operation.remaining else { continue }
            if let before = first[remaining] {
                twice += operation.units
                if proof == nil { proof = (before, operation.id, operation.answered) }
            } else {
                first[remaining] = operation.id
            }
        }
        guard let proof else {
            return Finding(.noUnitTwice, .safe, "\(sold.count) steps, each left another stock behind")
        }
        return Finding(
            .noUnitTwice, .violated,
            "operations \(proof.one) and \(proof.other) left the same stock behind: both took the same unit",
            units: twice, moment: proof.moment, proof: [proof.one, proof.other])
    }

    private static func oneRowEach(_ history: History) -> Finding? {
        guard let rows = history.end.rows else { return nil }
        func count(_ operation: History.Operation) -> Int { rows.ofOperation[operation.id] ?? 0 }
        let missing = history.operations.filter { $0.outcome == .ok && count($0) == 0 }
        let twice = history.operations.filter { count($0) > 1 }
        let refused = history.operations.filter {
            ($0.outcome == .refused || $0.outcome == .nothing) && count($0) > 0
        }
        let wrong = missing + twice + refused
        guard let first = wrong.min(by: { $0.invoked < $1.invoked }) else {
            return rows.strangers == 0
                ? Finding(.oneRowEach, .safe, "each acknowledged purchase has one row")
                : Finding(
                    .oneRowEach, .violated, "\(rows.strangers) rows belong to nobody", units: rows.strangers,
                    moment: history.end.read)
        }
        return Finding(
            .oneRowEach, .violated,
            "\(missing.count) acknowledged purchases have no row, \(twice.count) have more than one, \(refused.count) refused ones have one",
            units: wrong.reduce(0) { $0 + $1.units }, moment: first.answered ?? first.invoked,
            proof: wrong.prefix(mostProof).map(\.id))
    }

    private static func nothingRefused(_ history: History) -> Finding? {
        guard let refused = history.end.rows?.refused else { return nil }
        return refused == 0
            ? Finding(.nothingRefused, .safe, "the ledger had to refuse no sale")
            : Finding(
                .nothingRefused, .violated,
                "the ledger refused sales of \(refused) units, which the stock had given out without having them all",
                units: refused, moment: history.end.read)
    }

    private static func noOverlap(_ history: History) -> Finding? {
        let holds = history.operations.compactMap { operation in operation.hold.map { (operation.id, $0) } }
            .sorted { ($0.1.from, $0.0) < ($1.1.from, $1.0) }
        guard !holds.isEmpty else { return nil }
        var last: (id: Int, hold: History.Hold, until: Int64)?
        var refusable = 0
        for (id, hold) in holds {
            if let last, hold.from < last.until {
                // Whoever checks the numbers refuses what the earlier holder still writes.
                guard let older = last.hold.fence, let newer = hold.fence, newer != older else {
                    return Finding(
                        .noOverlap, .violated,
                        "operation \(id) was let in while operation \(last.id) was inside",
                        moment: hold.from, proof: [last.id, id])
                }
                refusable += 1
            }
            // A holder that never came back has left when the next one is let in: its lease was over.
            let until = hold.until ?? hold.from
            if until > last?.until ?? .min { last = (id, hold, until) }
        }
        return Finding(
            .noOverlap, .safe,
            refusable == 0
                ? "\(holds.count) holds, none while another one went on"
                : "\(holds.count) holds; \(refusable) began while an older one went on, whose write its number refuses"
        )
    }

    /// A grant that was asked for after another one had come must have the higher number. Two that were under
    /// way at the same time may have come in either order.
    private static func fencesRise(_ history: History) -> Finding? {
        let grants = history.operations.compactMap { operation in
            operation.hold.flatMap { hold in hold.fence.map { (id: operation.id, hold: hold, fence: $0) } }
        }
        guard !grants.isEmpty else { return nil }
        let came = grants.sorted { ($0.hold.from, $0.id) < ($1.hold.from, $1.id) }
        let asked = grants.sorted {
            ($0.hold.asked ?? $0.hold.from, $0.id) < ($1.hold.asked ?? $1.hold.from, $1.id)
        }
        var next = 0
        var highest: (id: Int, fence: Int64)?
        for grant in asked {
            let moment = grant.hold.asked ?? grant.hold.from
            while next < came.count, came[next].hold.from < moment {
                if came[next].fence > highest?.fence ?? .min { highest = (came[next].id, came[next].fence) }
                next += 1
            }
            if let highest, grant.fence <= highest.fence {
                return Finding(
                    .fencesRise, .violated,
                    "the grant of operation \(grant.id) has number \(grant.fence), after \(highest.fence)",
                    moment: grant.hold.from, proof: [highest.id, grant.id])
            }
        }
        return Finding(.fencesRise, .safe, "\(grants.count) grants, a later one with a higher number")
    }

    private static func linearizable(_ history: History, _ mostSteps: Int) -> Finding {
        switch Linearizability.check(history, mostSteps: mostSteps) {
        case .linearizable:
            return Finding(
                .linearizable, .safe, "one stock that serves one buyer after the other explains every answer")
        case .undecided:
            return Finding(
                .linearizable, .unknown,
                "the search went to its bound (\(mostSteps) places, or its memory) and did not decide it")
        case .violated(let id):
            let operation = history.operations.first { $0.id == id }
            let around = history.operations.filter { other in
                guard let operation, other.outcome != .nothing else { return false }
                return other.id != id && other.invoked <= operation.answered ?? .max
                    && operation.invoked <= other.answered ?? .max
            }
            return Finding(
                .linearizable, .violated,
                operation == nil
                    ? "no order of the purchases ends with the stock that was read"
                    : "no order of the purchases explains what operation \(id) was told",
                moment: operation?.answered ?? history.end.read,
                proof: (operation.map { [$0.id] } ?? []) + around.prefix(mostProof - 1).map(\.id))
        }
    }
}
