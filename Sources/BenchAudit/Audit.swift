import BenchModel
package import BenchResults

/// Judges one trial by what was collected about it. Pure, and apart from the service: it shares no code
/// with what it judges.
package enum Audit {
    /// Largest distance of X·R/N from 1, beside what the edges of the window may do.
    static let littleTolerance = 0.02

    /// All checks of one trial, always in the same order; which ones depends on what was run.
    package static func checks(_ facts: AuditFacts) -> [Check] {
        let books: [(AuditFacts) -> Check] = [
            answersAreRows, rowsAreSold, stockIsConserved, stockIsNotNegative, rowsAreSupplied,
            supplyIsInitial, nothingRefused, noDuplicates,
        ]
        let all =
            books.map { everywhere(facts, $0) }
            + (facts.isLedgerHidden ? [everywhere(facts, answersLeftStock)] : [])
            + [registeredAreUsers(facts), historyShowsPurchase(facts), holdsOverlap(facts)].compactMap { $0 }
            + [serverLived(facts), someSuccess(facts)] + [littlesLaw(facts)].compactMap { $0 }
            + measurementChecks(facts)
        return all.map { check in
            guard let reason = facts.notChecked[check.id] else { return check }
            var check = check
            (check.state, check.value, check.reason) = (.notChecked, "-", reason)
            return check
        }
    }

    /// A check of the sums and of each product: it passes only when it does so everywhere.
    static func everywhere(_ facts: AuditFacts, _ check: (AuditFacts) -> Check) -> Check {
        var whole = check(facts)
        let parts = facts.products.map { ($0.number, check(facts.narrowed(to: $0))) }
        let bad = parts.first { $0.1.state == .fail } ?? parts.first { $0.1.state == .unknown }
        guard let (number, one) = bad else { return whole }
        whole.value += "; product \(number): \(one.value), must be \(one.limit)"
        if one.state == .fail || whole.state == .pass { whole.state = one.state }
        return whole
    }

    /// Only strategies that take a lock have holds.
    private static func holdsOverlap(_ facts: AuditFacts) -> Check? {
        guard facts.holds != nil || facts.notChecked["holds-overlap"] != nil else { return nil }
        return check(
            "holds-overlap", "nobody was granted a product's lock while somebody else was inside",
            facts.holds?.overlaps, .exactly(0), limit: "0")
    }

    /// What can be said where the ledger is out of sight.
    private static func answersLeftStock(_ facts: AuditFacts) -> Check {
        let answered = facts.answers.success
        let most = answered + facts.answers.unknown
        let lost = facts.redis.map { facts.initialStock - $0.stock }
        return check(
            "answers-left-stock", "the stock lost what the answers say was sold", lost,
            .within(answered...most), limit: most == answered ? "\(answered)" : "\(answered)...\(most)")
    }

    private static func registeredAreUsers(_ facts: AuditFacts) -> Check? {
        guard let journey = facts.journey else { return nil }
        let most = journey.registered + journey.unknown
        return check(
            "registered-are-users", "every registration answered 201 is a user in the ledger, and no other",
            journey.users, .within(journey.registered...most), limit: "\(journey.registered)...\(most)")
    }

    private static func historyShowsPurchase(_ facts: AuditFacts) -> Check? {
        guard let journey = facts.journey else { return nil }
        return check(
            "history-shows-purchase",
            "a purchase answered 200 stands in the history that is read right after",
            journey.missing, .exactly(0), limit: "0")
    }

    private static func answersAreRows(_ facts: AuditFacts) -> Check {
        let answered = facts.answers.success
        let most = answered + facts.answers.unknown
        let range = "\(answered)...\(most) (\(facts.answers.unknown) unknown)"
        let limit = most == answered ? "\(answered)" : range
        return check(
            "answers-are-rows", "every purchase answered 200 is in the ledger, and no other",
            facts.ledger?.rows, .within(answered...most), limit: limit)
    }

    private static func rowsAreSold(_ facts: AuditFacts) -> Check {
        check(
            "rows-are-sold", "the units of the purchases are what the product counts as sold",
            facts.ledger?.units, .exactly(facts.ledger?.sold ?? 0),
            limit: facts.ledger.map { "\($0.sold)" } ?? "-")
    }

    private static func stockIsConserved(_ facts: AuditFacts) -> Check {
        let lost = facts.redis.map { facts.initialStock - $0.stock - $0.openUnits }
        return check(
            "stock-is-conserved", "initial stock - stock in Redis - open reservations = units sold",
            facts.ledger == nil ? nil : lost, .exactly(facts.ledger?.units ?? 0),
            limit: facts.ledger.map { "\($0.units)" } ?? "-")
    }

    private static func stockIsNotNegative(_ facts: AuditFacts) -> Check {
        check(
            "stock-not-negative", "the stock is not below zero", facts.redis?.stock, .atLeast(0),
            limit: ">= 0")
    }

    private static func rowsAreSupplied(_ facts: AuditFacts) -> Check {
        check(
            "sold-within-supply", "no more units were sold than were supplied", facts.ledger?.units,
            .atMost(Double(facts.ledger?.supplied ?? 0)),
            limit: facts.ledger.map { "<= \($0.supplied)" } ?? "-")
    }

    private static func supplyIsInitial(_ facts: AuditFacts) -> Check {
        check(
            "supply-is-initial", "the ledger was supplied with the initial stock", facts.ledger?.supplied,
            .exactly(facts.initialStock), limit: "\(facts.initialStock)")
    }

    private static func nothingRefused(_ facts: AuditFacts) -> Check {
        check(
            "nothing-oversold", "the ledger never had to refuse what the strategy let pass",
            facts.answers.oversellRefused, .exactly(0), limit: "0")
    }

    private static func noDuplicates(_ facts: AuditFacts) -> Check {
        check(
            "no-duplicates", "no reservation became two purchases", facts.ledger?.duplicates, .exactly(0),
            limit: "0")
    }

    private static func serverLived(_ facts: AuditFacts) -> Check {
        Check(
            id: "server-lived", kind: .measurement,
            statement: "the service was alive to the end and then stopped when asked to",
            value: facts.serverEnd, limit: "exit code 0, or closed in this process",
            state: facts.serverEndedWell ? .pass : .fail)
    }

    private static func someSuccess(_ facts: AuditFacts) -> Check {
        let count = facts.measuredSuccesses
        return Check(
            id: "some-success", kind: .measurement, statement: "something was sold in the measured window",
            value: "\(count)", limit: ">= 1", state: count > 0 ? .pass : .unknown)
    }

    /// Only of a closed load: in an open one the users wait for arrivals.
    private static func littlesLaw(_ facts: AuditFacts) -> Check? {
        guard let busyShare = facts.busyShare else { return nil }
        let (low, high) = (1 - littleTolerance + facts.edgeShare, 1 + littleTolerance + facts.edgeShare)
        return Check(
            "littles-law", .measurement,
            "throughput x mean time / users, of the purchases that began in the window, is 1 and what its edges add",
            busyShare, .within(low...high),
            limit: "\(Text.number(low, digits: 4))...\(Text.number(high, digits: 4))"
        ) { Text.number($0, digits: 4) }
    }

    private static func check(
        _ id: String, _ statement: String, _ value: Int?, _ bound: Bound, limit: String
    ) -> Check {
        // Whole numbers are exact as Double up to 2^53.
        Check(id, .correctness, statement, value.map { Double($0) }, bound, limit: limit) { "\(Int($0))" }
    }
}
