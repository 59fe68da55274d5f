import BenchModel
package import BenchResults
import BenchStatistics

/// What was asked of the service, in words and tables.
extension MarkdownReport {
    var isDirect: Bool { results.workload.mode.isOwnProcess }
    var hasLedger: Bool { results.workload.mode != .strategy }
    var isOnPostgres: Bool { results.systemUnderTest.database == .postgres }
    var ledgerName: String { isOnPostgres ? "PostgreSQL" : "SQLite" }

    package var users: String {
        isDirect ? "one task each" : "one keep-alive connection each, one event-loop thread"
    }

    var way: String {
        if !hasLedger {
            return "- Mode `strategy`: the strategy runs alone in lab-bench's own process. A purchase is a "
                + "reservation in Redis; its record is cleared behind the answer, many by one command, as the "
                + "service does it. No ledger, no HTTP: what the way of keeping buyers apart costs itself. The "
                + "stock is audited in Redis, against the answers."
        }
        return isDirect
            ? "- Mode `direct`: the purchase service (strategy, stock in Redis, ledger in SQLite) runs in "
                + "lab-bench's own process and is called, with the limits and settings of lab-server. No HTTP, "
                + "no JSON, no token: these are the costs of the strategy and its bookkeeping, not what a "
                + "client gets."
            : results.workload.target.map {
                "- Mode `http`, target `\($0)`: a server that was running already. Its users and products were made "
                    + "by the bench and stay there; whatever else it holds or does is not known here."
            } ?? "- Mode `http`: each trial loads \(servers)."
    }

    /// The processes of a trial.
    private var servers: String {
        let count = results.systemUnderTest.servers ?? 1
        let database = isOnPostgres ? ", with its ledger on PostgreSQL" : ""
        guard count > 1 else { return "a lab-server process of its own over HTTP\(database)" }
        return
            "\(count) lab-server processes of its own over HTTP, on one PostgreSQL and one Redis; the users "
            + "are spread over them in turn"
    }

    var logins: String {
        if results.workload.target != nil {
            return "- Passwords are hashed as the target does it."
        }
        if !hasLedger { return "- There are no users but the tasks that buy: nobody logs in." }
        guard let cost = results.systemUnderTest.bcryptCost else {
            return "- Nobody logs in: the users are written straight into the ledger."
        }
        let why =
            results.workload.scenario == .journey
            ? "Registering and logging in are steps of the journey; what they take is set by the cost of a password"
            : "Logins are set-up here"
        return
            "- \(why): the server hashes passwords with bcrypt cost \(cost), without limits on the auth routes "
            + "and with a queue that no user finds full."
    }

    /// What a user of the closed load does.
    var behaviour: String {
        switch results.workload.scenario {
        case .purchase: "a user sends the next purchase of 1 unit when the last one is answered."
        case .journey:
            "each begins its next journey when the last one is over: register under a new name, log in, look at a "
                + "product, buy 1 unit, read the history."
        }
    }

    /// How the demand is divided; nothing for one product.
    package var demand: String {
        let load = results.workload
        guard let skew = load.skew, let hot = load.hotProductShare else { return "" }
        return
            " of each of \(load.products) products, wanted by Zipf's law with exponent \(Text.number(skew)) "
            + "(the hottest one draws \(Text.percent(hot)))"
    }

    var freshness: String {
        if results.workload.target != nil {
            return "Each trial has new products; users, and whatever the server holds, stay."
        }
        if !hasLedger { return "Each trial has a fresh Redis and a fresh strategy." }
        return
            "Each trial has a fresh Redis, a fresh database, and a fresh \(isDirect ? "service" : "server")."
    }

    var lockNodes: String {
        let count = results.systemUnderTest.lockNodes
        return results.workload.target == nil ? "\(count), started by the bench, no persistence" : "not known"
    }

    package var server: String {
        if let target = results.workload.target { return "`\(target)`, which was running already" }
        if isDirect { return "none: the \(hasLedger ? "service" : "strategy") ran in lab-bench" }
        guard let arguments = results.systemUnderTest.serverArguments else { return "-" }
        let shared = RunResults.sharedArguments(arguments).joined(separator: " ")
        return "`\(shared)`, and its strategy and Redis by trial"
    }

    /// Why checks were not made, each once.
    package func notChecked(_ trials: [TrialResult]) -> [String] {
        var seen: [String] = []
        for check in trials.flatMap(\.checks) where check.state == .notChecked {
            let line = "- \(check.id) is not checked: \(check.reason ?? "no reason was given")"
            if !seen.contains(line) { seen.append(line) }
        }
        return seen.isEmpty ? [] : [""] + seen
    }

    /// Each step of the journeys with its own figures.
    package var journey: [String] {
        let rows = results.strategies.flatMap { strategy -> [[String]] in
            guard let journey = strategy.journey else { return [] }
            let steps = journey.steps.map { ($0.step.rawValue, $0.failed, $0.latencyUs) }
            return (steps + [("whole journey", journey.broken, journey.wholeUs)]).map {
                name, failed, latency in
                [strategy.id, name, count(latency.count), count(failed)]
                    + [latency.p50, latency.p95, latency.p99, latency.max].map { Text.milliseconds($0) }
            }
        }
        guard !rows.isEmpty else { return [] }
        return [
            "## Journey", "",
            "Service time in ms of the measured requests that went well, step by step; a whole journey counts from "
                + "its intended start to its last answer. `failed`: refused, answered otherwise, or not at all.",
            "",
        ] + Self.table(["strategy", "step", "good", "failed", "p50", "p95", "p99", "max"], rows) + visitors
    }

    /// How many came, and what their passwords took.
    private var visitors: [String] {
        let rows = results.strategies.compactMap { strategy -> [String]? in
            guard let journey = strategy.journey, let rate = journey.visitorsPerSecond else { return nil }
            let hashing = results.env.passwordHashMs.map { 2 * $0 }
            let share = hashing.flatMap { ms in journey.wholeUs.mean.map { $0 > 0 ? ms * 1000 / $0 : 0 } }
            return [
                strategy.id, Text.number(rate), hashing.map { Text.number($0) } ?? "-", Text.percent(share),
                hashing.map { Text.number($0 * rate / 1000, digits: 2) } ?? "-",
            ]
        }
        guard !rows.isEmpty else { return [] }
        let logged =
            results.workload.target == nil
            ? " The server writes one line of its log for each registration and one for each login, as in production: "
                + "what that costs is part of these figures." : ""
        return [
            "",
            "Whole journeys for each second, and the part of bcrypt: two passwords a journey, hashed one after the other on "
                + "one thread of the server. `share`: of the mean journey; `cores`: what hashing used at this rate.\(logged)",
            "",
        ] + Self.table(["strategy", "visitors/s", "bcrypt ms", "share", "cores"], rows)
    }

    private static let shownProducts = 10

    /// Each product of each strategy; the sums are in the table above.
    package var products: [String] {
        let rows = results.strategies.flatMap { strategy -> [[String]] in
            let trials = results.trials.filter { $0.strategy == strategy.id }.compactMap(\.products)
            guard let first = trials.first else { return [] }
            return first.prefix(Self.shownProducts).indices.map { index in
                let same = trials.compactMap { $0.indices.contains(index) ? $0[index] : nil }
                func sum(_ part: (ProductResult) -> Int?) -> Int? {
                    let parts = same.compactMap(part)
                    return parts.count == same.count ? parts.reduce(0, +) : nil
                }
                let lost = sum { product in product.finalStock.map { product.initialStock - $0 } }
                let held = same.compactMap(\.heldShare).max()
                return [
                    strategy.id, "\(index + 1)", count(sum(\.answeredSuccess)), count(sum(\.unknown)),
                    count(sum(\.rows)), count(sum(\.unitsSold)), count(lost), count(sum(\.openUnits)),
                    held.map { Text.number($0, digits: 3) } ?? "-",
                ]
            }
        }
        guard !rows.isEmpty else { return [] }
        let rest = results.workload.products - Self.shownProducts
        return [
            "### By product", "",
            "Sums over all trials; the checks look at every product of every trial. `held`: hold times by wall time, of "
                + "the worst trial."
                + (rest > 0 ? " The \(rest) coldest products are in results.json only." : ""),
            "",
        ]
            + Self.table(
                [
                    "strategy", "product", "answered 200", "unknown", "rows", "units sold", "stock lost",
                    "open reservations", "held",
                ], rows)
    }

    /// Trials that the instrument has spoilt: listed, so that everybody sees that no result was chosen.
    package var spoilt: [String] {
        guard let spoilt = results.spoilt, !spoilt.isEmpty else { return [] }
        let planned = Set(results.trials.map(\.order) + spoilt.map(\.order)).count
        return [
            "",
            "Spoilt by the instrument, of \(planned) trials: run again, at most \(Text.times(Repetition.mostOfTrial)) each "
                + "and \(Repetition.mostOfRun(planned)) in all, because of checks that look at the generator alone. Only "
                + "the last attempt counts, and not where it was spoilt too. What they sold was audited all the same.",
            "",
        ]
            + Self.table(
                ["trial", "attempt", "why", "then", "stock", "purchases/s"],
                spoilt.map { trial in
                    [
                        "\(trial.order). \(trial.strategy), \(trial.model.rawValue)", "\(trial.attempt)",
                        trial.why,
                        trial.isLeftOut ? "left out" : "run again",
                        trial.isStockExact.map { $0 ? "exact" : "wrong" } ?? "not read",
                        Text.number(trial.purchasesPerSecond),
                    ]
                })
    }
}
