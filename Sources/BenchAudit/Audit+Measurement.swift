import BenchModel
import BenchResults
import BenchStatistics

/// Checks of the measurement itself: whether its numbers may be believed.
extension Audit {
    /// The generator's lateness may have added this share to a figure, by an estimate from above
    /// (docs/MEASURING.md),
    static let mostError = 0.15
    /// or this time, where the figure is so small that the share means nothing.
    package static let leastErrorMs = 1.0
    /// The wait for the generator's thread may be this share of a purchase.
    static let mostWait = 0.05
    /// The generator may stand still for this share of the window: a rate is too low by as much.
    static let mostStill = 0.025
    /// So many of the arrivals may be sent later than lateness may add to the median.
    package static let mostDisplaced = 0.1
    /// Σ of hold times to wall time; above 1 by rounding only.
    static let mostHeld = 1.02
    /// Share of the initial stock that must be left at the end.
    static let leastLeft = 0.1
    /// Lines of the server's log for each request that was answered, beside those that are due in production.
    static let mostLines = 0.01

    static func measurementChecks(_ facts: AuditFacts) -> [Check] {
        [
            releaseBuild(facts), generatorProcessor(facts), generatorLag(facts), generatorPauses(facts),
            generatorSockets(facts), arrivalProcess(facts), arrivalCount(facts), arrivalGaps(facts),
            stationary(facts),
            commandCounts(facts), countedSales(facts), serverSales(facts), serverRefusals(facts),
            quietLogs(facts), holds(facts), everywhere(facts, enoughStock),
        ].compactMap { $0 }
    }

    private static func releaseBuild(_ facts: AuditFacts) -> Check {
        let builds = [facts.isRelease ? "release" : "debug", facts.server?.build].compactMap { $0 }
        return Check(
            id: "release-build", kind: .measurement, statement: "optimised builds measured and were measured",
            value: Set(builds).count == 1 ? builds[0] : builds.joined(separator: ", lab-server "),
            limit: "release", state: builds.allSatisfy { $0 == "release" } ? .pass : .unknown)
    }

    /// - Returns: How much lateness may have added to a figure of this size.
    static func mostLateMs(of valueMs: Double?) -> Double { max(leastErrorMs, mostError * (valueMs ?? 0)) }

    /// An answer waits for the thread of the generator while it works for others: s·u / 2(1 - u) on average,
    /// with s of processor time for each answer and the share u of a core in all (M/D/1). A closed load sells
    /// less by as much.
    ///
    /// Not in direct mode, in which the service uses the same process.
    private static func generatorProcessor(_ facts: AuditFacts) -> Check? {
        guard let generator = facts.generator, generator.isAlone else { return nil }
        let wait = generator.processorShare.flatMap { share in
            generator.processorMs.map { share < 1 ? $0 * share / (2 * (1 - share)) : .infinity }
        }
        // Ten times a purchase is said of everything beyond it, a thread that is full among them.
        let part = wait.flatMap { wait in generator.meanMs.map { $0 > 0 ? min(wait / $0, 10) : 0 } }
        return share(
            "generator-processor", "the wait for the generator's own thread was a small share of a purchase",
            part, .atMost(mostWait), limit: "<= \(Text.percent(mostWait)) of the mean")
    }

    /// Every figure of the trial against what the generator's lateness may have added to it.
    private static func generatorLag(_ facts: AuditFacts) -> Check {
        let statement = "the lateness of the generator added little to what it measured"
        let worst = facts.generator?.lateness.max { $0.strain < $1.strain }
        guard let worst else {
            return Check(
                id: "generator-lag", kind: .measurement, statement: statement, value: "-",
                limit: "some purchase was measured", state: .unknown)
        }
        let limit = mostLateMs(of: worst.valueMs)
        let ground = limit > leastErrorMs ? "\(Text.percent(mostError)) of" : "beside"
        return Check(
            "generator-lag", .measurement, statement, worst.errorMs, .atMost(limit),
            limit: "<= \(Text.number(limit, digits: 2)) ms (\(ground) \(Text.number(worst.valueMs)) ms)"
        ) { "\(Text.number($0, digits: 2)) ms of the \(worst.figure)" }
    }

    private static func generatorPauses(_ facts: AuditFacts) -> Check {
        share(
            "generator-pauses", "the generator stood still for a small share of the window only",
            facts.generator?.stillShare, .atMost(mostStill), limit: "<= \(Text.percent(mostStill))")
    }

    private static func generatorSockets(_ facts: AuditFacts) -> Check? {
        guard facts.generator?.isAlone != false else { return nil }
        let limit = facts.generator?.socketLimit
        return check(
            "generator-sockets", "the generator had descriptors to spare",
            facts.generator.map { Double($0.sockets) }, .atMost(Double((limit ?? 0) / 10 * 9)),
            limit: limit.map { "<= \($0 / 10 * 9)" } ?? "-", digits: 0)
    }

    /// Only of an open load.
    private static func arrivalProcess(_ facts: AuditFacts) -> Check? {
        guard let arrivals = facts.arrivals else { return nil }
        return check(
            "arrival-process",
            "requests were asked for and sent as the process says (Kolmogorov-Smirnov, sqrt(n) D)",
            arrivals.statistic, .atMost(KolmogorovSmirnov.limit), limit: "<= \(KolmogorovSmirnov.limit)",
            digits: 3)
    }

    /// Only of an open load.
    private static func arrivalCount(_ facts: AuditFacts) -> Check? {
        guard let arrivals = facts.arrivals else { return nil }
        let (least, most) = (arrivals.asked - arrivals.askedReach, arrivals.asked + arrivals.askedReach)
        return check(
            "arrival-count", "as many requests were asked for as the rate says",
            arrivals.count.map { Double($0) }, .within(least...most),
            limit: "\(Text.number(arrivals.asked)) +- \(Text.number(arrivals.askedReach))", digits: 0)
    }

    /// Only of an open load. A purchase answers too late by at most as much as it, or one before it in the
    /// line, was sent too late; so what counts is how many were sent later than matters.
    private static func arrivalGaps(_ facts: AuditFacts) -> Check? {
        guard let arrivals = facts.arrivals else { return nil }
        let late = Text.number(arrivals.toleranceMs, digits: 2)
        return share(
            "arrival-gaps", "requests were sent at the moments that were asked for", arrivals.displaced,
            .atMost(mostDisplaced),
            limit: "<= \(Text.percent(mostDisplaced)) later than \(late) ms")
    }

    private static func stationary(_ facts: AuditFacts) -> Check? {
        guard let drift = facts.drift else { return nil }
        return Check(
            id: "stationary", kind: .measurement,
            statement: "the second half of the window sold like the first one",
            value: "\(Text.number(drift.ratio, digits: 3)) (t = \(Text.number(drift.statistic, digits: 1)))",
            limit:
                "ratio within \(Text.number(1 / Drift.mostRatio)) - \(Drift.mostRatio), or |t| <= \(Drift.mostStatistic)",
            state: drift.isSmall ? .pass : .fail, strain: drift.strain)
    }

    /// The strategies count what they send themselves; Redis must have seen at least that.
    private static func commandCounts(_ facts: AuditFacts) -> Check? {
        guard let commands = facts.commands else { return nil }
        return check(
            "redis-saw-commands", "Redis counted at least the commands that the answers report",
            commands.seen.map { Double($0) }, .atLeast(Double(commands.reported)),
            limit: ">= \(commands.reported)", digits: 0)
    }

    /// The buyers, the ledger (by answers-are-rows) and Redis count the same sales.
    private static func countedSales(_ facts: AuditFacts) -> Check? {
        guard let sales = facts.sales else { return nil }
        let limit = sales.least == sales.most ? "\(sales.least)" : "\(sales.least)...\(sales.most)"
        return check(
            "redis-counted-sales", "Redis counted one reservation for each that the answers speak of",
            sales.counted.map { Double($0) }, .within(sales.least...sales.most), limit: limit, digits: 0)
    }

    /// The server's own count, which knows nothing of the ledger.
    private static func serverSales(_ facts: AuditFacts) -> Check? {
        guard let server = facts.server else { return nil }
        let (least, unknown) = (facts.answers.success, facts.answers.unknown)
        return check(
            "server-counted-sales", "the server counted the purchases that the buyers were told of",
            server.sold.map { Double($0) }, .within(least...(least + unknown)), limit: range(least, unknown),
            digits: 0)
    }

    private static func serverRefusals(_ facts: AuditFacts) -> Check? {
        guard let server = facts.server else { return nil }
        let (least, unknown) = (server.answeredRefused, facts.answers.unknown)
        return check(
            "server-counted-refusals", "the server counted the refusals that the buyers got",
            server.refused.map { Double($0) }, .within(least...(least + unknown)),
            limit: range(least, unknown), digits: 0)
    }

    private static func range(_ least: Int, _ more: Int) -> String {
        more == 0 ? "\(least)" : "\(least)...\(least + more)"
    }

    /// A log that tells of single requests would be measured with them. What is due in production stays out
    /// of the count: a line for each registration and each login.
    private static func quietLogs(_ facts: AuditFacts) -> Check? {
        guard let server = facts.server else { return nil }
        let lines = server.linesWritten.map { written in
            Double(max(written - server.linesDue, 0)) / Double(max(server.answered, 1))
        }
        let due = server.linesDue > 0 ? " beside those for registering and logging in" : ""
        return check(
            "quiet-logs", "the server's log was quiet: lines for each answer\(due)", lines,
            .atMost(mostLines), limit: "<= \(mostLines)", digits: 4)
    }

    /// Only of strategies that take one lock a product: two holders at once would hold longer than time
    /// passes.
    private static func holds(_ facts: AuditFacts) -> Check? {
        guard let share = facts.heldShare else { return nil }
        return check(
            "holds-fit", "no product's lock was held longer in sum than time passed", share,
            .atMost(mostHeld), limit: "<= \(mostHeld)", digits: 3)
    }

    private static func enoughStock(_ facts: AuditFacts) -> Check {
        let initial = Double(max(facts.initialStock, 1))
        let left =
            facts.ledger.map { 1 - Double($0.sold) / initial }
            ?? (facts.isLedgerHidden ? facts.redis.map { Double($0.stock) / initial } : nil)
        return check(
            "enough-stock", "no product's stock was near its end", left, .atLeast(leastLeft),
            limit: ">= \(leastLeft)", digits: 3)
    }

    /// A check of a share, which is shown in per cent.
    private static func share(
        _ id: String, _ statement: String, _ value: Double?, _ bound: Bound, limit: String
    ) -> Check {
        Check(id, .measurement, statement, value, bound, limit: limit) { Text.percent($0) }
    }

    private static func check(
        _ id: String, _ statement: String, _ value: Double?, _ bound: Bound, limit: String, digits: Int
    ) -> Check {
        Check(id, .measurement, statement, value, bound, limit: limit) { Text.number($0, digits: digits) }
    }
}

extension AuditFacts.Lateness {
    /// The part of what is allowed that was used.
    var strain: Double { errorMs / Audit.mostLateMs(of: valueMs) }
}
