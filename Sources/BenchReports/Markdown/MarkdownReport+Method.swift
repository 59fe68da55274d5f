import BenchModel
import BenchResults
import BenchStatistics
import Foundation

/// How it was measured, on what, and where the raw data are.
extension MarkdownReport {
    private var openRounds: String {
        guard let rounds = results.workload.openRounds, rounds > 0 else { return "" }
        return ", of the open load \(rounds)\(rounds == 1 ? ", so its figures have no spread" : "")"
    }

    /// What happens to requests that the window's end finds without an answer.
    private var drain: String {
        let limit = Text.number(results.workload.drainLimitSeconds)
        guard results.keepsLoadOn else { return "Then a drain of at most \(limit) s, without load." }
        return
            "The load goes on, unmeasured, until all of that is answered, for \(limit) s at most; so the last "
            + "purchases wait as long as the others."
    }

    private var warmUp: String {
        let seconds = Text.number(results.workload.warmupSeconds)
        guard results.keepsLoadOn, results.workload.models.contains(.closed) else {
            return "\(seconds) s warm-up"
        }
        let taken = Spread(results.trials.filter { !$0.isControl && !$0.model.isOpen }.map(\.warmupSeconds))
        let found = taken.map { ": it took \(Text.number($0.min)) to \(Text.number($0.max)) s" } ?? ""
        return
            "\(seconds) s warm-up, of a closed load until two half seconds in a row sell alike within 10 %, for "
            + "at most four times as long\(found)"
    }

    /// How the rate changed while a trial went on.
    private var drifts: [String] {
        let drifts = results.drifts
        guard !drifts.isEmpty else { return [] }
        let words = drifts.map { "\($0.id) \(Text.number(($0.ratio - 1) * 100, digits: 1)) %" }
        return [
            "- Within a trial the rate changed, from the first half of the window to the second: "
                + "\(words.joined(separator: ", ")). So the rate of these depends on --duration."
        ]
    }

    var method: [String] {
        let load = results.workload
        let controls = load.controls.isEmpty ? "none" : load.controls.joined(separator: ", ")
        return [
            "## Method", "",
            way,
            "- Models: \(load.models.map(\.rawValue).joined(separator: ", then ")). Closed load: \(load.users) users, \(users); \(behaviour)",
            "- \(warmUp), \(Text.number(load.durationSeconds)) s measured "
                + "(by the time of sending). \(drain) Latency is service time: a closed load hides "
                + "stalls, because users who wait do not send.",
            "- Rounds: \(load.rounds)\(openRounds); the order inside each is shuffled with seed \(results.run.seed). "
                + freshness,
            "- Stock: \(Text.grouped(load.stock)) units\(demand), so that nothing sells out; a trial that does is "
                + "not ranked.",
            "- Negative control: \(controls), once, "
                + "with \(Text.grouped(load.controlStock)) units\(load.products > 1 ? " of each product" : ""), "
                + "few enough to be sold.",
            "- Little's law is checked on the measured requests: their rate times their mean time is the number of "
                + "users, as nearly as the length of the window lets it be.",
            logins,
        ] + drifts + [
            "- The same for every strategy: lease time to live, deadline of a purchase "
                + "(\(Text.number(results.systemUnderTest.purchaseDeadlineMs)) ms), retry budget, durability of "
                + "Redis and \(ledgerName) (below), and the work on the stock. By design they differ in how they "
                + "retry:", "",
        ] + conditions
    }

    private var conditions: [String] {
        Self.table(
            ["strategy", "lease (ms)", "pause between tries", "retry budget", "critical section"],
            results.systemUnderTest.conditions.map { condition in
                let takesLock = results.strategies.first { $0.id == condition.id }?.takesLock == true
                return [
                    condition.id,
                    condition.leaseTtlMs.map { Text.number($0) } ?? (takesLock ? "no lease" : "no lock"),
                    condition.retry?.text ?? "none", condition.retry?.budget ?? "none",
                    condition.criticalSection,
                ]
            })
    }

    package var environment: [String] {
        let (env, system) = (results.env, results.systemUnderTest)
        var lines = ["## Environment", ""]
        let load = env.loadBefore.map { Text.number($0) } ?? "-"
        let late = env.timerOvershootUs.map {
            "p50 \(Text.milliseconds($0.p50)), p99 \(Text.milliseconds($0.p99)), max \(Text.milliseconds($0.max)) ms"
        }
        lines += Self.table(
            ["what", "value"],
            [
                ["machine", "\(env.cpu), \(env.cores) cores, \(Text.grouped(env.memoryMib)) MiB"],
                ["system", "\(env.os), kernel \(env.kernel), \(env.virtualisation ?? "no hypervisor seen")"],
                ["load before, governor", "\(load), \(env.governor ?? "-")"],
                ["timer overshoot", late ?? "-"],
                [
                    "build",
                    "Swift \(env.swift), \(env.buildMode), lab-bench \(results.run.toolVersion ?? "-")",
                ],
                ["Redis for the stock", redis],
                ["Redis lock nodes (redlock)", lockNodes],
                [ledgerName, ledger],
                ["lab-server", server],
                ["lease time to live", "\(Text.number(system.leaseTtlMs)) ms, the same for every lock"],
                ["wait for the lock", "at most \(Text.number(system.purchaseDeadlineMs)) ms a purchase"],
            ])
        lines += ["", processorTime, ""]
        lines += Self.table(
            ["trial", "bench", "server", "Redis", "server's peak MiB", "X·R/N"],
            results.trials.map { trial in
                ["\(trial.order). \(trial.strategy)"]
                    + [trial.cpuSeconds.bench, trial.cpuSeconds.server, trial.cpuSeconds.redis].map {
                        $0.map { Text.number($0) } ?? "-"
                    } + [
                        trial.measurement?.serverPeakBytes.map { Text.number(Double($0) / 1_048_576) } ?? "-"
                    ]
                    + [Text.number(trial.busyShare, digits: 4)]
            })
        return lines
    }

    private var processorTime: String {
        let sentence = "Processor seconds by trial, warm-up and drain included"
        guard isDirect else { return "\(sentence):" }
        return "\(sentence). Load and service share lab-bench's process, so `bench` is the sum of both and "
            + "there is no figure for a server:"
    }

    private var ledger: String {
        let system = results.systemUnderTest
        guard hasLedger else { return "none: there is no ledger in this mode" }
        if isOnPostgres {
            return
                "\(system.postgresVersion ?? "-"), an empty one for each trial; a commit waits for the disk"
        }
        return "\(system.sqliteVersion ?? "-"), journal \(system.sqliteJournalMode ?? "-"), "
            + "synchronous \(system.sqliteSynchronous)"
    }

    private var redis: String {
        guard let redis = results.systemUnderTest.redis else { return "-" }
        return "\(redis.version), \(results.systemUnderTest.redisOrigin); appendonly \(redis.appendonly), "
            + "appendfsync \(redis.appendfsync), save \(redis.save), maxmemory-policy \(redis.maxmemoryPolicy)"
    }

    package var files: [String] {
        let known = [
            ("results.json", "every number above, every trial, the histograms"),
            ("samples.csv.gz", "single requests, 10,000 of each trial at most"),
            ("report.html", "the same with pictures; each picture is a file in plots, too"),
            ("LOAD_TEST_RESULT.md", "the same as Markdown"), ("junit.xml", "checks and targets for CI"),
        ].filter { isPresent($0.0) }
        return ["## Raw data", ""] + known.map { "- [\($0.0)](\($0.0)): \($0.1)." }
    }
}
