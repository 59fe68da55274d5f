/// Checks of the measurement itself: whether its numbers may be believed.
extension Audit {
    /// Of one core, for a generator that runs on one thread.
    static let mostProcessor = 0.9
    /// p99 of how late the generator did what was due.
    static let mostLateMs = 20.0
    static let longestPauseMs = 250.0
    /// Σ of hold times to wall time; above 1 by rounding only.
    static let mostHeld = 1.02
    /// Of the initial stock, left at the end.
    static let leastLeft = 0.1
    /// Lines of the server's log for each purchase that was answered.
    static let mostLines = 0.01

    static func measurementChecks(_ facts: AuditFacts) -> [Check] {
        [
            releaseBuild(facts), generatorProcessor(facts), generatorLag(facts), generatorPauses(facts),
            generatorSockets(facts), arrivalProcess(facts), arrivalGaps(facts), stationary(facts),
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

    /// Not in direct mode, in which the service uses the same process.
    private static func generatorProcessor(_ facts: AuditFacts) -> Check? {
        guard facts.generator?.isAlone != false else { return nil }
        return check(
            "generator-processor", "the generator had processor time to spare",
            facts.generator?.processorShare, .atMost(mostProcessor), limit: "<= \(mostProcessor) of a core",
            digits: 2)
    }

    private static func generatorLag(_ facts: AuditFacts) -> Check {
        check(
            "generator-lag", "the generator did what was due without delay (p99)",
            facts.generator?.lateMs, .atMost(mostLateMs), limit: "<= \(Text.number(mostLateMs)) ms",
            digits: 2)
    }

    private static func generatorPauses(_ facts: AuditFacts) -> Check {
        check(
            "generator-pauses", "the generator never stood still", facts.generator?.longestPauseMs,
            .atMost(longestPauseMs), limit: "<= \(Text.number(longestPauseMs)) ms", digits: 1)
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

    /// Only of a Poisson load.
    private static func arrivalGaps(_ facts: AuditFacts) -> Check? {
        guard let gaps = facts.arrivals?.gaps else { return nil }
        return check(
            "arrival-gaps", "the gaps between sent requests were those that were asked for (distance D)",
            gaps.displaced, .atMost(KolmogorovSmirnov.mostDisplaced),
            limit: "<= \(KolmogorovSmirnov.mostDisplaced)", digits: 3)
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

    /// A log that tells of each purchase would be measured with it.
    private static func quietLogs(_ facts: AuditFacts) -> Check? {
        guard let server = facts.server else { return nil }
        let lines = server.linesWritten.map { Double($0) / Double(max(server.answered, 1)) }
        return check(
            "quiet-logs", "the server's log was quiet: lines for each answered purchase", lines,
            .atMost(mostLines), limit: "<= \(mostLines)", digits: 4)
    }

    /// Only of strategies that take one lock a product: two holders at once would hold longer than time passes.
    private static func holds(_ facts: AuditFacts) -> Check? {
        guard let share = facts.heldShare else { return nil }
        return check(
            "holds-fit", "no product's lock was held longer in sum than time passed", share,
            .atMost(mostHeld), limit: "<= \(mostHeld)", digits: 3)
    }

    private static func enoughStock(_ facts: AuditFacts) -> Check {
        let left = facts.ledger.map { 1 - Double($0.sold) / Double(max(facts.initialStock, 1)) }
        return check(
            "enough-stock", "no product's stock was near its end", left, .atLeast(leastLeft),
            limit: ">= \(leastLeft)", digits: 3)
    }

    private static func check(
        _ id: String, _ statement: String, _ value: Double?, _ bound: Bound, limit: String, digits: Int
    ) -> Check {
        Check(id, .measurement, statement, value, bound, limit: limit) { Text.number($0, digits: digits) }
    }
}
