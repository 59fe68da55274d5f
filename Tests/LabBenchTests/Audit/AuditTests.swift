import Testing

@testable import lab_bench

@Suite("The audit of a trial")
struct AuditTests {
    /// 1,000 on sale, 600 sold, nothing odd.
    static let clean = AuditFacts(
        initialStock: 1000, answers: .init(success: 600, oversellRefused: 0, unknown: 0),
        ledger: .init(rows: 600, units: 600, duplicates: 0, supplied: 1000, sold: 600),
        redis: .init(stock: 400, openReservations: 0, openUnits: 0, unclearedReservations: 0),
        busyShare: 1, measuredSuccesses: 500, serverEnd: "exit code 0", serverEndedWell: true)

    private static func with(_ change: (inout AuditFacts) -> Void) -> AuditFacts {
        var facts = clean
        change(&facts)
        return facts
    }

    private static func red(_ facts: AuditFacts) -> [String] {
        Audit.checks(facts).filter { $0.state == .fail }.map(\.id)
    }

    /// Each fault, and what must turn red by it.
    static let faults: [(name: String, facts: AuditFacts, red: [String])] = [
        ("a 200 without a row", with { $0.answers.success += 1 }, ["answers-are-rows"]),
        ("a row without a 200", with { $0.answers.success -= 1 }, ["answers-are-rows"]),
        (
            "more rows than unknown answers explain",
            with {
                $0.answers.success -= 3
                $0.answers.unknown = 2
            }, ["answers-are-rows"]
        ),
        ("a sale that the product did not count", with { $0.ledger?.sold -= 1 }, ["rows-are-sold"]),
        ("a decrement that was lost", with { $0.redis?.stock += 1 }, ["stock-is-conserved"]),
        ("a unit that vanished", with { $0.redis?.stock -= 1 }, ["stock-is-conserved"]),
        (
            "a reservation that holds a unit which was sold", with { $0.redis?.openUnits = 1 },
            ["stock-is-conserved"]
        ),
        (
            "stock below zero",
            with {
                $0.redis?.stock = -1
                $0.redis?.openUnits = 401
            }, ["stock-not-negative"]
        ),
        (
            "more sold than supplied",
            with {
                $0.answers.success = 1001
                $0.ledger = .init(rows: 1001, units: 1001, duplicates: 0, supplied: 1000, sold: 1001)
                $0.redis?.stock = -1
            }, ["stock-not-negative", "sold-within-supply"]
        ),
        (
            "a supply that is not what was put on sale", with { $0.ledger?.supplied = 1001 },
            ["supply-is-initial"]
        ),
        ("a sale that the ledger refused", with { $0.answers.oversellRefused = 1 }, ["nothing-oversold"]),
        ("a reservation with two rows", with { $0.ledger?.duplicates = 1 }, ["no-duplicates"]),
        ("a server that crashed", with { $0.serverEndedWell = false }, ["server-lived"]),
        ("users who did nothing", with { $0.busyShare = 0.97 }, ["littles-law"]),
        ("more work than users", with { $0.busyShare = 1.03 }, ["littles-law"]),
    ]

    @Test("passes when everything closes")
    func passes() {
        #expect(Audit.checks(Self.clean).allSatisfy { $0.state == .pass })
    }

    @Test("turns exactly the right checks red", arguments: faults.indices)
    func plantedFault(index: Int) {
        let fault = Self.faults[index]
        #expect(Self.red(fault.facts) == fault.red, "\(fault.name)")
    }

    @Test("has a planted fault for each check that can fail")
    func everyCheckCanFail() {
        let checks = Set(Audit.checks(Self.clean).map(\.id))
        let planted = Set(Self.faults.flatMap(\.red))
        // Nothing sold is unknown, never red.
        #expect(checks.subtracting(planted) == ["some-success"])
    }

    @Test("lets unknown answers explain rows, up to their number", arguments: 0...2)
    func unknown(rows: Int) {
        let facts = Self.with {
            $0.answers.success = 600 - rows
            $0.answers.unknown = 2
        }
        #expect(Self.red(facts).isEmpty)
    }

    @Test("knows nothing without success")
    func nothingSold() {
        let checks = Audit.checks(Self.with { $0.measuredSuccesses = 0 })
        #expect(checks.first { $0.id == "some-success" }?.state == .unknown)
    }

    @Test("never passes what it could not read")
    func unread() {
        let checks = Audit.checks(
            Self.with {
                $0.ledger = nil
                $0.redis = nil
            })
        let needy = [
            "answers-are-rows", "rows-are-sold", "stock-is-conserved", "stock-not-negative",
            "sold-within-supply", "supply-is-initial", "no-duplicates",
        ]
        for check in checks where needy.contains(check.id) { #expect(check.state == .unknown) }
    }

    @Test("counts an open reservation as a unit that is neither in stock nor sold")
    func openReservation() {
        let facts = Self.with {
            $0.redis?.stock = 399
            $0.redis?.openReservations = 1
            $0.redis?.openUnits = 1
        }
        #expect(Self.red(facts).isEmpty)
    }
}
