import Foundation

/// Draws `LOAD_TEST_RESULT.md` from the results, and from nothing else.
struct MarkdownReport: Sendable {
    private let results: RunResults

    init(_ results: RunResults) {
        self.results = results
    }

    var text: String {
        let sections = [
            head, correctness, checks, headline, targets, comparison, method, environment, files,
        ]
        let parts = sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// A Markdown table; the first column is text, the others are numbers.
    static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
        return [line(header), line(rule)] + rows.map(line)
    }

    private func count(_ value: Int?) -> String { value.map { Text.grouped($0) } ?? "-" }
}

extension MarkdownReport {
    private var head: [String] {
        var lines = ["# Load test result: \(results.verdict.word)", "", results.verdict.sentence, ""]
        if !results.env.isRepresentative {
            lines += ["**A debug build was measured: the speeds below are not representative.**", ""]
        }
        if results.run.status != "complete" {
            let status = results.run.status
            lines += ["**The run was not finished (\(status)): everything below is partial.**", ""]
        }
        let commit = results.run.gitCommit.map { " at commit `\($0)`" } ?? ""
        lines += [
            "Run of \(results.run.started.formatted(.iso8601))\(commit), mode `\(results.workload.mode.rawValue)`, exit code "
                + "\(results.verdict.exit.rawValue). The same again:", "",
            "```sh", results.run.command, "```",
        ]
        return lines
    }

    private var correctness: [String] {
        let rows = results.strategies.map { strategy in
            let sums = strategy.ledger
            return [
                strategy.id, count(sums.answered), count(sums.unknown), count(sums.rows), count(sums.units),
                count(sums.stockLost), count(sums.openUnits), count(sums.refusedByLedger),
                strategy.isViolated ? "**wrong**" : strategy.stockWord,
            ]
        }
        let controls = results.controls.map { control in
            let audit = results.trials.first { $0.strategy == control.id }?.audit
            let lost = audit.flatMap { audit in audit.finalStock.map { audit.initialStock - $0 } }
            return [
                "\(control.id) (control)", count(audit?.answeredSuccess), count(audit?.unknown),
                count(audit?.rows), count(audit?.unitsSold), count(lost), count(audit?.openUnits),
                count(audit?.answeredOversellRefused),
                control.isCaught.map { $0 ? "caught" : "**not caught**" } ?? "not run",
            ]
        }
        return [
            "## Correctness", "",
            "Sums over all trials, warm-up and drain included. A row closes when answered 200 = rows "
                + "(unknown answers may add to them) and stock lost - open reservations = units sold.", "",
        ]
            + Self.table(
                [
                    "strategy", "answered 200", "unknown", "rows", "units sold", "stock lost",
                    "open reservations", "refused by ledger", "verdict",
                ], rows + controls)
    }

    private var checks: [String] {
        let real = results.trials.filter { !$0.isControl }
        var lines = ["## Checks", "", "Over \(real.count) trials of real strategies.", ""]
        lines += Self.table(
            ["check", "passed", "failed", "unknown"],
            results.checks.map { check in
                ["\(check.id): \(check.statement)"]
                    + [check.passed, check.failed, check.unknown].map { count($0) }
            })
        let red = real.flatMap { trial in
            trial.checks.filter { $0.state != .pass }.map { check in
                "- \(trial.strategy), round \(trial.block): \(check.id) is \(check.state.rawValue): "
                    + "\(check.value), must be \(check.limit)"
            }
        }
        if !red.isEmpty { lines += [""] + red }
        for control in results.controls where control.isCaught == true {
            let names = control.caughtBy.joined(separator: ", ")
            lines += ["", "The negative control \(control.id) turned red, as it must: \(names)."]
        }
        return lines
    }
}

extension MarkdownReport {
    private var headline: [String] {
        guard !results.strategies.isEmpty else { return [] }
        let speed = results.strategies.map { strategy in
            let rate = strategy.purchasesPerSecond
            let latency = strategy.latencyUs
            return [
                strategy.id, rate.map { Text.number($0.median) } ?? "-",
                rate.map { "\(Text.number($0.min)) - \(Text.number($0.max))" } ?? "-",
                Text.percent(strategy.successShare),
            ]
                + [latency.p50, latency.p90, latency.p95, latency.p99, latency.max].map {
                    Text.milliseconds($0)
                } + [strategy.isRanked ? "yes" : "no: \(strategy.notRankedBecause ?? "")"]
        }
        let lock = results.strategies.map { strategy in
            let errors = ["contended", "unavailable", "other", "transport-error"].map {
                count(strategy.measured[$0])
            }
            return [
                strategy.id, Text.milliseconds(strategy.waitUs.p50), Text.milliseconds(strategy.waitUs.p99),
                Text.milliseconds(strategy.holdUs.p50), Text.milliseconds(strategy.holdUs.p99),
                Text.number(strategy.attemptsPerSuccess ?? .nan),
                Text.number(strategy.redisCommandsPerSuccess ?? .nan),
            ] + errors + [strategy.jain.map { Text.number($0, digits: 3) } ?? "-"]
        }
        return [
            "## Speed", "",
            "Service time of successful purchases in ms, from the merged histograms of all rounds; rate is "
                + "the median of the rounds. `-`: too few values for that percentile.", "",
        ]
            + Self.table(
                [
                    "strategy", "purchases/s", "min - max", "success", "p50", "p90", "p95", "p99", "max",
                    "ranked",
                ], speed) + [
                "", "The lock, as the service reports it (ms; means for attempts and commands):", "",
            ]
            + Self.table(
                [
                    "strategy", "wait p50", "wait p99", "hold p50", "hold p99", "attempts", "Redis commands",
                    "contended", "unavailable", "other", "no answer", "fairness (Jain)",
                ], lock)
    }

    private var targets: [String] {
        let rows = results.strategies.flatMap { strategy in
            strategy.targets.map { target in
                [
                    strategy.id, target.name, target.limit, target.measured,
                    target.isMet.map { $0 ? "met" : "**missed**" } ?? "not measured",
                ]
            }
        }
        return rows.isEmpty
            ? [] : ["## Targets", ""] + Self.table(["strategy", "target", "limit", "measured", ""], rows)
    }

    private var comparison: [String] {
        let ranked = results.strategies.filter(\.isRanked)
        guard ranked.count > 1 else { return [] }
        var lines = ["## Which one is faster", ""]
        if results.workload.rounds == 1 {
            return lines + ["One round says nothing about differences: there is no ranking."]
        }
        var separated: [String] = []
        for (index, one) in ranked.enumerated() {
            for other in ranked[(index + 1)...] {
                guard let a = one.purchasesPerSecond, let b = other.purchasesPerSecond,
                    a.isSeparated(from: b), min(a.median, b.median) > 0
                else { continue }
                let (fast, slow) = a.median > b.median ? (one, other) : (other, one)
                let ratio = max(a.median, b.median) / min(a.median, b.median)
                separated.append("- \(fast.id) sold \(Text.number(ratio)) x as much as \(slow.id)")
            }
        }
        lines.append(
            "\(results.workload.rounds) rounds are too few for a test of significance. Pairs whose ranges "
                + "over the rounds do not overlap (all others are not separated):")
        return lines + [""] + (separated.isEmpty ? ["- none"] : separated)
    }
}

extension MarkdownReport {
    private var method: [String] {
        let load = results.workload
        let controls = load.controls.isEmpty ? "none" : load.controls.joined(separator: ", ")
        return [
            "## Method", "",
            way,
            "- Closed load: \(load.users) users, \(users); a "
                + "user sends the next purchase of 1 unit when the last one is answered. All buy the same "
                + "product.",
            "- \(Text.number(load.warmupSeconds)) s warm-up, \(Text.number(load.durationSeconds)) s measured "
                + "(by the time of sending), then a drain of at most "
                + "\(Text.number(load.drainLimitSeconds)) s. Latency is service time: a closed load hides "
                + "stalls, because users who wait do not send.",
            "- Rounds: \(load.rounds); the order inside each is shuffled with seed \(results.run.seed). Each "
                + "trial has a fresh Redis, a fresh database, and a fresh \(isDirect ? "service" : "server").",
            "- Stock: \(Text.grouped(load.stock)) units, so that nothing sells out; a trial that does is "
                + "not ranked.",
            "- Negative control: \(controls), once, "
                + "with \(Text.grouped(load.controlStock)) units, few enough to be sold.",
            "- Little's law is checked over exactly the measured window: requests count with the part of "
                + "their time that lies inside it.",
            logins,
            "- The same for every strategy: lease time to live, deadline of a purchase "
                + "(\(Text.number(results.systemUnderTest.purchaseDeadlineMs)) ms), retry budget, durability of "
                + "Redis and SQLite (below), and the work on the stock. By design they differ in how they "
                + "retry:", "",
        ] + conditions
    }

    private var isDirect: Bool { results.workload.mode == .direct }

    private var users: String {
        isDirect ? "one task each" : "one keep-alive connection each, one event-loop thread"
    }

    private var way: String {
        isDirect
            ? "- Mode `direct`: the purchase service (strategy, stock in Redis, ledger in SQLite) runs in "
                + "lab-bench's own process and is called, with the limits and settings of lab-server. No HTTP, "
                + "no JSON, no token: these are the costs of the strategy and its bookkeeping, not what a "
                + "client gets."
            : "- Mode `http`: each trial loads a lab-server process of its own over HTTP."
    }

    private var logins: String {
        guard let cost = results.systemUnderTest.bcryptCost else {
            return "- Nobody logs in: the users are written straight into the ledger."
        }
        return "- Logins are set-up here, so the server hashes passwords with bcrypt cost \(cost)."
    }

    private var conditions: [String] {
        Self.table(
            ["strategy", "lease (ms)", "pause between tries", "retry budget", "critical section"],
            results.systemUnderTest.conditions.map { condition in
                [
                    condition.id, condition.leaseTtlMs.map { Text.number($0) } ?? "no lock",
                    condition.retry?.text ?? "none", condition.retry?.budget ?? "none",
                    condition.criticalSection,
                ]
            })
    }

    private var environment: [String] {
        let (env, system) = (results.env, results.systemUnderTest)
        var lines = ["## Environment", ""]
        let load = env.loadBefore.map { Text.number($0) } ?? "-"
        lines += Self.table(
            ["what", "value"],
            [
                ["machine", "\(env.cpu), \(env.cores) cores, \(Text.grouped(env.memoryMib)) MiB"],
                ["system", "\(env.os), kernel \(env.kernel), \(env.virtualisation ?? "no hypervisor seen")"],
                ["load before, governor", "\(load), \(env.governor ?? "-")"],
                ["build", "Swift \(env.swift), \(env.buildMode)"],
                ["Redis for the stock", redis],
                ["Redis lock nodes (redlock)", "\(system.lockNodes), started by the bench, no persistence"],
                ["SQLite", sqlite],
                ["lab-server", server],
                ["lease time to live", "\(Text.number(system.leaseTtlMs)) ms, the same for every lock"],
                ["wait for the lock", "at most \(Text.number(system.purchaseDeadlineMs)) ms a purchase"],
            ])
        lines += ["", processorTime, ""]
        lines += Self.table(
            ["trial", "bench", "server", "Redis", "X·R/N"],
            results.trials.map { trial in
                ["\(trial.order). \(trial.strategy)"]
                    + [trial.cpuSeconds.bench, trial.cpuSeconds.server, trial.cpuSeconds.redis].map {
                        $0.map { Text.number($0) } ?? "-"
                    } + [Text.number(trial.busyShare, digits: 4)]
            })
        return lines
    }

    private var processorTime: String {
        let sentence = "Processor seconds by trial, warm-up and drain included"
        guard isDirect else { return "\(sentence):" }
        return "\(sentence). Load and service share lab-bench's process, so `bench` is the sum of both and "
            + "there is no figure for a server:"
    }

    private var server: String {
        if isDirect { return "none: the service ran in lab-bench" }
        return "`\(results.systemUnderTest.serverArguments?.joined(separator: " ") ?? "-")`"
    }

    private var sqlite: String {
        let system = results.systemUnderTest
        return "\(system.sqliteVersion ?? "-"), journal \(system.sqliteJournalMode ?? "-"), "
            + "synchronous \(system.sqliteSynchronous)"
    }

    private var redis: String {
        guard let redis = results.systemUnderTest.redis else { return "-" }
        return "\(redis.version), \(results.systemUnderTest.redisOrigin); appendonly \(redis.appendonly), "
            + "appendfsync \(redis.appendfsync), save \(redis.save), maxmemory-policy \(redis.maxmemoryPolicy)"
    }

    private var files: [String] {
        let contents = "every number above, every trial, the histograms"
        return ["## Raw data", "", "[results.json](results.json): \(contents)."]
    }
}
