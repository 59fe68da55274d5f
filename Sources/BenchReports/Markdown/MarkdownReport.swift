import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws `LOAD_TEST_RESULT.md` from the results, and from nothing else.
package struct MarkdownReport: Sendable {
    package let results: RunResults
    /// Of the results' folder, which the report may link; nil: all that a run writes.
    let present: Set<String>?

    package init(_ results: RunResults, files: Set<String>? = nil) {
        self.results = results
        present = files
    }

    package var text: String {
        let page = HTMLReport(results)
        let first = [page.overview].compactMap(\.self) + (results.sweep == nil ? [] : page.latencyFigures)
        var sections = [head + images(first)] + speedSections
        let place = sections.firstIndex { $0.first == "## Speed" }.map { $0 + 1 } ?? sections.count
        if results.sweep == nil { sections.insert(images(page.latencyFigures), at: place) }
        sections += correctnessSections + methodSections
        return Self.lines(sections).joined(separator: "\n") + "\n"
    }

    /// The sections of both reports, in their order: the page shows what stands in these lists, and draws its
    /// pictures between them.
    var speedSections: [[String]] {
        [sweep, underFault, headline, drivers, comparison, layers, open, targets, ceilings, journey]
    }
    var correctnessSections: [[String]] { [correctness, products, checks] }
    var methodSections: [[String]] { [method, environment, files] }

    /// Pictures that lie beside the report.
    private func images(_ figures: [Figure]) -> [String] {
        let shown = figures.filter { isPresent("plots/\($0.fileName)") }
        return shown.flatMap { ["", "![\($0.title)](plots/\($0.fileName))"] }
    }

    /// A report links no file that is not there.
    func isPresent(_ file: String) -> Bool { present?.contains(file) ?? true }

    /// How to run the same once more; it stands in the Markdown's head.
    var repeatSection: [String] { ["## The same again", "", "```", results.run.command, "```"] }

    /// A section that has nothing to say is empty, and left out.
    static func lines(_ sections: [[String]]) -> [String] {
        Array(sections.filter { !$0.isEmpty }.joined(separator: [""]))
    }

    /// A Markdown table; the first column is text, the others are numbers.
    package static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        func line(_ cells: [String]) -> String {
            "| " + cells.map { $0.replacing("|", with: #"\|"#) }.joined(separator: " | ") + " |"
        }
        let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
        return [line(header), line(rule)] + rows.map(line)
    }

    package func count(_ value: Int?) -> String { value.map { Text.grouped($0) } ?? "-" }
}

extension MarkdownReport {
    private var head: [String] {
        var lines = ["# Load test result: \(results.verdict.word)", ""]
        let answer = Answer(results).text
        if !answer.isEmpty { lines += ["**\(answer)**", ""] }
        lines += [results.verdict.sentence, ""]
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
        let controls = results.negativeControls.map { control in
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
        var lines = [
            "## Checks", "",
            "Over \(real.count) trials of real strategies. `nearest to it`: the value that came nearest to its limit or "
                + "went furthest beyond it, and the trial's place in the run; where the limit differs from trial to "
                + "trial, that trial's is shown.", "",
        ]
        lines += Self.table(
            ["check", "limit", "nearest to it", "passed", "failed", "unknown", "not checked"],
            results.checks.map { check in
                [
                    "\(check.id): \(check.statement)", check.worst?.limit ?? "-",
                    check.worst.map { "\($0.value) (\($0.order). \($0.strategy))" } ?? "-",
                ]
                    + [check.passed, check.failed, check.unknown, check.notChecked ?? 0].map { count($0) }
            })
        lines += notChecked(real) + spoilt
        let red = real.flatMap { trial in
            trial.checks.filter { $0.state == .fail || $0.state == .unknown }.map { check in
                "- trial \(trial.order) (\(trial.strategy), \(trial.model.rawValue), round \(trial.block)): \(check.id) "
                    + "is \(check.state.rawValue): \(check.value), must be \(check.limit). To do: \(Remedy.of(check.id))."
            }
        }
        if !red.isEmpty { lines += [""] + red }
        for control in results.negativeControls where control.isCaught == true {
            let names = control.caughtBy.joined(separator: ", ")
            lines += ["", "The negative control \(control.id) turned red, as it must: \(names)."]
        }
        return lines
    }
}

extension MarkdownReport {
    private var headline: [String] {
        guard !results.strategies.isEmpty else { return [] }
        let winner = results.leaders.count == 1 ? results.leaders[0] : nil
        let speed = results.byRate.map { strategy in
            let rate = strategy.purchasesPerSecond
            let latency = strategy.latencyUs
            let intervals = results.latencyIntervals(of: strategy)
            return [
                strategy.id, rate.map { bold(Text.number($0.median), if: strategy.id == winner) } ?? "-",
                rate.map { "\(Text.number($0.min)) - \(Text.number($0.max))" } ?? "-",
                Text.percent(strategy.successShare),
            ]
                + [
                    (latency.p50, nil), (latency.p90, nil), (latency.p95, intervals?.p95),
                    (latency.p99, intervals?.p99), (latency.max, nil),
                ].map { latency.milliseconds($0, within: $1) } + [
                    strategy.isRanked ? "yes" : "no: \(strategy.notRankedBecause ?? "")"
                ]
        }
        let lock = results.byRate.map { strategy in
            let errors = ["contended", "unavailable", "other", "transport-error"].map {
                count(strategy.measured[$0])
            }
            return [
                strategy.id, Text.milliseconds(strategy.waitUs.p50), Text.milliseconds(strategy.waitUs.p99),
                strategy.takesLock ? Text.milliseconds(strategy.holdUs.p50) : "no lock",
                strategy.takesLock ? Text.milliseconds(strategy.holdUs.p99) : "-",
                Text.number(strategy.attemptsPerSuccess ?? .nan),
                Text.number(strategy.redisCommandsPerSuccess ?? .nan),
            ] + errors
                + [strategy.jain, results.independentJain(of: strategy)].map {
                    $0.map { Text.number($0, digits: 3) } ?? "-"
                }
        }
        return [
            "## Speed", "",
            "Closed load: service time of successful purchases in ms, from the merged histograms of all rounds; "
                + "rate is the median of the rounds. In brackets: where another run of as many rounds would lie with 95 % "
                + "confidence, by how far the rounds lie apart (from 3 rounds on). `-`: fewer than ten values lie beyond that percentile. `>`: some purchases had no answer yet after so long. "
                + "\(leaders)",
            "",
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
                    "of independent buyers",
                ], lock) + [
                "",
                "What kept it from selling more. Cores used on average; CPU of "
                    + (isDirect ? "lab-bench, which runs the service," : "the server")
                    + " and Redis for each "
                    + "purchase answered 200; loop lag: how late the server's event loops came to a timer, mean.",
                "",
            ]
            + Self.table(
                [
                    "strategy", "limited by", "because", "bench", "server", "Redis", "CPU ms per success",
                    "wait share", "\(ledgerName) share", "loop lag ms",
                ], limits)
    }

    private func bold(_ text: String, if condition: Bool) -> String { condition ? "**\(text)**" : text }

    /// Who sold most, as far as the rounds can tell.
    private var leaders: String {
        let leaders = results.leaders
        return switch leaders.count {
        case 0: "Nothing is ranked."
        case 1: "**Bold**: it sold more than every other ranked strategy, beyond chance and the noise floor."
        default:
            "Who sold most is not separated: \(leaders.joined(separator: ", "))."
        }
    }

    private var limits: [[String]] {
        results.byRate.compactMap { strategy in
            guard let limiter = strategy.limiter else { return nil }
            func number(_ value: Double?, _ digits: Int) -> String {
                value.map { Text.number($0, digits: digits) } ?? "-"
            }
            return [
                strategy.id, limiter.name.rawValue, limiter.evidence ?? "-", number(limiter.benchCores, 2),
                number(limiter.serverCores, 2), number(limiter.redisCores, 2),
                number(limiter.cpuMsPerSuccess, 3), Text.percent(limiter.waitShare),
                Text.percent(limiter.sqlShare), number(limiter.loopLagMs, 2),
            ]
        }
    }

    /// Service and response time side by side.
    private var open: [String] {
        let rows = results.byRate.compactMap { strategy -> [String]? in
            guard let open = strategy.open else { return nil }
            return [
                strategy.id, Text.number(open.offeredPerSecond),
                open.achievedPerSecond.map { Text.number($0.median) } ?? "-", count(open.unsent),
                open.isSustained ? "yes" : "**rate not sustained**", Text.percent(open.successShare),
            ]
                + [\Percentiles.p50, \.p90, \.p95, \.p99, \.max].flatMap { part in
                    [open.serviceUs, open.responseUs].map { $0.milliseconds($0[keyPath: part]) }
                }
        }
        guard !rows.isEmpty else { return [] }
        return [
            "## At one offered rate", "",
            "Open load (\(results.strategies.compactMap(\.open).first?.model.rawValue ?? "-")): purchases begin "
                + "when they are meant to, whether the server keeps up or not. Service time counts from "
                + "sending, response time from the intended start: what somebody waits who came then. In ms."
                + (hasSurvivors
                    ? " Where the rate was not sustained, the times are those of the purchases that got through: they say "
                        + "how the server fails, not how long somebody waits." : ""),
            "",
        ]
            + Self.table(
                [
                    "strategy", "offered/s", "achieved/s", "unsent", "sustained", "success", "service p50",
                    "response p50", "service p90", "response p90", "service p95", "response p95",
                    "service p99",
                    "response p99", "service max", "response max",
                ], rows)
    }

    private var hasSurvivors: Bool { results.strategies.contains { $0.open?.isSustained == false } }

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
        let ranked = results.byRate.filter(\.isRanked)
        guard ranked.count > 1 else { return [] }
        var lines = ["## Which one is faster", ""]
        if results.workload.rounds == 1 {
            return lines + ["One round says nothing about differences: there is no ranking."]
        }
        if results.pairs.contains(where: { !$0.judgement.word.isJudged }) {
            lines += [
                "\(results.workload.rounds) rounds are too few to judge pairs: \(LogRatio.leastTrials) are "
                    + "needed (`--rounds \(LogRatio.leastTrials)`). The ratios below say how much was sold, not "
                    + "whether it was chance.", "",
            ]
        } else if results.pairs.contains(where: { $0.judgement.method != .none }) {
            lines += [
                "Ratio of the geometric means of purchases/s over the rounds, row to column; **bold** where it is "
                    + "beyond chance (\(Judgement.methods(of: results.pairs.map(\.judgement))); Holm over \(results.pairs.count) pairs, 0.05) and beyond the noise "
                    + "floor. \(power)", "",
            ]
        } else {
            lines += [
                "Ratio of the medians of purchases/s, row to column; **bold** where it is beyond chance (exact "
                    + "permutation test over trials, Holm over \(results.pairs.count) pairs, 0.05) and beyond the "
                    + "noise floor, as an earlier version judged it.", "",
            ]
        }
        return lines + matrix(ranked.map(\.id))
    }

    /// What the rounds could have shown.
    private var power: String {
        guard let spread = Spread(results.pairs.compactMap(\.judgement.detectable)) else { return "" }
        return
            "These rounds find a difference of \(Text.percent(spread.median)) in 80 of 100 cases (the middle one "
            + "of the pairs; \(Text.percent(spread.min)) to \(Text.percent(spread.max)))."
    }

    /// Every ranked strategy against every other one.
    private func matrix(_ ids: [String]) -> [String] {
        Self.table(
            [""] + ids,
            ids.map { row in
                [row]
                    + ids.map { column in
                        let pair = results.pairs.first { $0.first == column && $0.second == row }
                        let turned = results.pairs.first { $0.first == row && $0.second == column }
                        guard let ratio = pair?.judgement.ratio ?? turned.map({ 1 / $0.judgement.ratio })
                        else {
                            return row == column ? "" : "-"
                        }
                        let word = (pair ?? turned)?.judgement.word
                        let text = Text.number(ratio, digits: 2)
                        return word == .faster || word == .slower ? "**\(text)**" : text
                    }
            })
    }
}
