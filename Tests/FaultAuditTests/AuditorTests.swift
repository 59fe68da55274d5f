import Testing

@testable import FaultAudit

/// Histories made by hand, each judged rightly.
@Suite("The auditor of histories")
struct AuditorTests {
    typealias Operation = History.Operation

    /// A history that is written as it happened.
    struct Story: Sendable, CustomTestStringConvertible {
        let title: String
        let stock: Int
        let operations: [Operation]
        let end: Int?
        var open = 0
        var rows: History.Rows?
        let verdict: Auditor.Verdict
        /// The invariants that are violated or not decided.
        var bad: Set<Auditor.Invariant> = []

        var testDescription: String { title }

        var history: History {
            let last = operations.flatMap { [$0.invoked, $0.answered ?? 0] }.max() ?? 0
            return History(
                initialStock: stock, operations: operations,
                end: .init(read: last + 100, stock: end, open: open, rows: rows))
        }
    }

    static func call(
        _ id: Int, _ invoked: Int64, _ answered: Int64?, _ outcome: Operation.Outcome, units: Int = 1,
        hold: History.Hold? = nil, remaining: Int? = nil
    ) -> Operation {
        Operation(
            id: id, buyer: id, units: units, invoked: invoked, answered: answered, outcome: outcome,
            hold: hold, remaining: remaining)
    }

    static let stories: [Story] = [
        Story(
            title: "two buyers one after the other", stock: 2,
            operations: [call(0, 0, 10, .ok), call(1, 20, 30, .ok)], end: 0, verdict: .safe),
        Story(
            title: "the last unit, and a refusal after it", stock: 1,
            operations: [call(0, 0, 10, .ok), call(1, 20, 30, .refused)], end: 0, verdict: .safe),
        Story(
            title: "a refusal beside the sale of the last unit", stock: 1,
            operations: [call(0, 0, 50, .ok), call(1, 10, 20, .refused)], end: 0, verdict: .safe),
        Story(
            title: "a refusal before anybody asked for the last unit", stock: 1,
            operations: [call(0, 0, 10, .refused), call(1, 20, 30, .ok)], end: 0, verdict: .violated,
            bad: [.linearizable]),
        Story(
            title: "the same unit sold twice", stock: 1,
            operations: [call(0, 0, 50, .ok), call(1, 10, 60, .ok)], end: 0, verdict: .violated,
            bad: [.conservation, .neverOversold, .linearizable]),
        Story(
            title: "two sold, one left the stock", stock: 5,
            operations: [call(0, 0, 50, .ok), call(1, 10, 60, .ok)], end: 4, verdict: .violated,
            bad: [.conservation, .linearizable]),
        Story(
            title: "a stock below zero", stock: 1,
            operations: [call(0, 0, 10, .ok), call(1, 20, 30, .ok)], end: -1, verdict: .violated,
            bad: [.neverBelowZero, .neverOversold, .linearizable]),
        Story(
            title: "an answer that was lost, and a unit that is gone", stock: 2,
            operations: [call(0, 0, 10, .ok), call(1, 20, nil, .unknown)], end: 0, verdict: .safe),
        Story(
            title: "an answer that was lost, and nothing is gone", stock: 2,
            operations: [call(0, 0, 10, .ok), call(1, 20, nil, .unknown)], end: 1, verdict: .safe),
        Story(
            title: "more is gone than anybody asked for", stock: 5,
            operations: [call(0, 0, 10, .ok), call(1, 20, nil, .unknown)], end: 2, verdict: .violated,
            bad: [.conservation, .linearizable]),
        Story(
            title: "a refusal that only a lost answer explains", stock: 2,
            operations: [call(0, 0, nil, .unknown), call(1, 20, 30, .refused), call(2, 0, 5, .ok)], end: 0,
            verdict: .safe),
        Story(
            title: "a refusal that a later lost answer cannot explain", stock: 1,
            operations: [call(0, 20, 30, .refused), call(1, 40, nil, .unknown)], end: 0, verdict: .violated,
            bad: [.linearizable]),
        Story(
            title: "a big order refused, a small one sold after it", stock: 3,
            operations: [call(0, 0, 10, .refused, units: 4), call(1, 20, 30, .ok, units: 3)], end: 0,
            verdict: .safe),
        Story(
            title: "nobody got the lock", stock: 3,
            operations: [call(0, 0, 10, .nothing), call(1, 20, 30, .nothing)], end: 3, verdict: .unknown),
        Story(
            title: "a stock that could not be read", stock: 3, operations: [call(0, 0, 10, .ok)], end: nil,
            verdict: .unknown, bad: [.conservation]),
        Story(
            title: "a reservation that nobody ended, of a buyer who was killed", stock: 3,
            operations: [call(0, 0, 10, .ok), call(1, 5, nil, .unknown)], end: 1, open: 1, verdict: .safe),
        Story(
            title: "two holders at once", stock: 9,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 5, until: 40)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55)),
            ], end: 7, verdict: .violated, bad: [.noOverlap]),
        Story(
            title: "a holder that never came back, and the next one after its lease", stock: 9,
            operations: [
                call(0, 0, nil, .unknown, hold: .init(from: 5, until: nil)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55)),
            ], end: 8, verdict: .safe),
        Story(
            title: "one hold ends at the moment when the next begins", stock: 9,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 5, until: 39, fence: 1)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55, fence: 2)),
            ], end: 7, verdict: .safe),
        Story(
            title: "a fence that falls", stock: 9,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 5, until: 30, fence: 7)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55, fence: 7)),
            ], end: 7, verdict: .violated, bad: [.fencesRise]),
        Story(
            title: "a sale that a holder overwrote who had lost his lease", stock: 8,
            operations: [
                call(0, 0, 95, .ok, hold: .init(from: 10, until: 50, left: 90)),
                call(1, 5, 85, .ok, hold: .init(from: 60, until: 80, left: 80)),
            ], end: 200, verdict: .violated, bad: [.conservation, .linearizable]),
        Story(
            title: "two holders at once, of whom the later one has the higher number", stock: 10,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 10, until: 45, fence: 7)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55, fence: 8)),
            ], end: 8, verdict: .safe),
        Story(
            title: "two holders at once with the same number", stock: 10,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 10, until: 45, fence: 7)),
                call(1, 10, 60, .ok, hold: .init(from: 39, until: 55, fence: 7)),
            ], end: 8, verdict: .violated, bad: [.noOverlap, .fencesRise]),
        Story(
            title: "a lost sale that a lost answer hides from the sums", stock: 10,
            operations: [
                call(0, 0, 50, .ok, remaining: 9), call(1, 10, 60, .ok, remaining: 9),
                call(2, 20, nil, .unknown),
            ], end: 8, verdict: .violated, bad: [.noUnitTwice]),
        Story(
            title: "two grants that were under way at the same time, and came in the other order", stock: 10,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 30, until: 35, fence: 8, asked: 5)),
                call(1, 10, 60, .ok, hold: .init(from: 40, until: 45, fence: 7, asked: 15)),
            ], end: 8, verdict: .safe),
        Story(
            title: "a grant that was asked for later and has the lower number", stock: 10,
            operations: [
                call(0, 0, 50, .ok, hold: .init(from: 30, until: 35, fence: 8, asked: 5)),
                call(1, 10, 60, .ok, hold: .init(from: 40, until: 45, fence: 7, asked: 31)),
            ], end: 8, verdict: .violated, bad: [.fencesRise]),
        Story(
            title: "units that are still reserved beside those that were sold", stock: 10,
            operations: [call(0, 0, 50, .ok)], end: 7, open: 2, verdict: .safe),
        Story(
            title: "a sale that the ledger refused", stock: 9, operations: [call(0, 0, 50, .ok)], end: 8,
            rows: .init(ofOperation: [0: 1], units: 1, refused: 2), verdict: .violated, bad: [.nothingRefused]
        ),
        Story(
            title: "an acknowledged purchase without a row", stock: 9,
            operations: [call(0, 0, 50, .ok), call(1, 10, 60, .ok)], end: 7,
            rows: .init(ofOperation: [0: 1], units: 1), verdict: .violated,
            bad: [.oneRowEach, .conservation]),
        Story(
            title: "one key that bought twice", stock: 9, operations: [call(0, 0, 50, .ok)], end: 7,
            rows: .init(ofOperation: [0: 2], units: 2), verdict: .violated,
            bad: [.oneRowEach, .linearizable]),
        Story(
            title: "a lost answer whose row is there", stock: 9,
            operations: [call(0, 0, 50, .ok), call(1, 10, nil, .unknown)], end: 7,
            rows: .init(ofOperation: [0: 1, 1: 1], units: 2), verdict: .safe),
    ]

    @Test("judges a history made by hand rightly", arguments: stories)
    func judged(story: Story) {
        let report = Auditor.judge(story.history)
        #expect(report.verdict == story.verdict)
        let bad = report.findings.filter { $0.verdict != .safe }.map(\.invariant)
        #expect(Set(bad) == story.bad, "\(report.findings.map(\.sentence))")
        for finding in report.findings where finding.verdict == .violated {
            #expect(!finding.sentence.isEmpty && finding.moment != nil)
            #expect(finding.proof.allSatisfy { id in story.operations.contains { $0.id == id } })
        }
    }

    @Test("shows the operations that prove it")
    func proof() {
        let story = Self.stories.first { $0.title == "two holders at once" }
        let findings = story.map { Auditor.judge($0.history).findings } ?? []
        #expect(findings.first { $0.invariant == .noOverlap }?.proof == [0, 1])
    }

    @Test("shows the two who took the same unit")
    func sameUnit() {
        let story = Self.stories.first { $0.title.hasPrefix("a lost sale that a lost answer") }
        let findings = story.map { Auditor.judge($0.history).findings } ?? []
        #expect(findings.first { $0.invariant == .noUnitTwice }?.proof == [0, 1])
    }

    @Test("shows who wrote after his lease, and who was inside meanwhile")
    func latecomer() {
        let story = Self.stories.first { $0.title.hasPrefix("a sale that a holder overwrote") }
        let findings = story.map { Auditor.judge($0.history).findings } ?? []
        #expect(findings.first { $0.invariant == .conservation }?.proof == [0, 1])
    }

    @Test("claims nothing past its bound")
    func bound() {
        // Refusals that no order explains, beside many answers that were lost.
        let lost = (0..<14).map { Self.call($0, Int64($0), nil, .unknown, units: $0 % 3 + 1) }
        let refused = Self.call(20, 100, 110, .refused)
        let history = History(
            initialStock: 1_000, operations: lost + [refused, Self.call(21, 120, 130, .ok)],
            end: .init(read: 200, stock: 999))
        #expect(Linearizability.check(history, mostSteps: 100) == .undecided)
        let report = Auditor.judge(history, mostSteps: 100)
        #expect(report.findings.first { $0.invariant == .linearizable }?.verdict == .unknown)
    }

    @Test("decides a run of 20,000 purchases with lost answers and a sold-out end")
    func long() {
        var operations: [Operation] = []
        for id in 0..<20_000 {
            let start = Int64(id * 10)
            // 40 under way at a time; the stock ends at 15,000 sold.
            let outcome: Operation.Outcome = id % 997 == 0 ? .unknown : id < 15_000 ? .ok : .refused
            operations.append(Self.call(id, start, outcome == .unknown ? nil : start + 400, outcome))
        }
        let sold = operations.count { $0.outcome == .ok }
        let history = History(
            initialStock: sold, operations: operations, end: .init(read: 1_000_000, stock: 0))
        #expect(Linearizability.check(history) == .linearizable)
        #expect(Auditor.judge(history).verdict == .safe)
    }
}
