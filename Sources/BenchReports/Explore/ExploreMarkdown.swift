import BenchModel
import BenchResults
import Foundation

/// Draws EXPLORE.md from the results of an exploration, and from nothing else.
struct ExploreMarkdown: Sendable {
    private let results: ExploreResults
    /// Of the results' folder, by their paths in it: those that the report links.
    private let files: Set<String>

    init(_ results: ExploreResults, files: Set<String>) {
        (self.results, self.files) = (results, files)
    }

    var text: String {
        MarkdownReport.lines([
            head, cells, speed, chances, equivalents, names("Faults", results.faults),
            names("Strategies", results.strategies), method, rawData,
        ]).joined(separator: "\n") + "\n"
    }

    private var head: [String] {
        let against = results.cells.filter { $0.judgement == .againstTheory }
        let open = results.cells.filter { $0.judgement == .notShown || $0.judgement == .undecided }
        let schedules = results.cells.reduce(0) { $0 + $1.schedules }
        let word = !against.isEmpty ? "against theory" : open.isEmpty ? "as theory says" : "not decided"
        var lines = [
            "# Exploration: \(results.run.status == .interrupted ? "interrupted, \(word)" : word)", "",
            "**\(Text.grouped(schedules)) schedules in \(Text.count(results.cells.count, "cell")): "
                + "\(against.count) against theory, \(open.count) not shown or not decided.**",
        ]
        if results.notRun > 0 {
            lines += ["", "**\(Text.count(results.notRun, "cell")) had no turn, or not the whole of it.**"]
        }
        if !results.env.isRepresentative {
            lines += ["", "**This was a debug build: the rates below are not representative.**"]
        }
        let others = (against + open).map {
            "- `\($0.strategy)` under `\($0.fault)`\($0.level == .service ? " in the service" : ""): \($0.verdict)"
        }
        return lines + (others.isEmpty ? [] : [""] + others)
    }

    private var cells: [String] {
        ["## Each strategy under each fault", ""]
            + MarkdownReport.table(
                [
                    "level", "strategy", "fault", "theory", "schedules", "violations", "verdict",
                    "first seed", "story",
                ],
                results.cells.map { cell in
                    let kinds = cell.violations.sorted { $0.key < $1.key }
                        .map { "\($0.key) \(Text.grouped($0.value))" }
                    return [
                        cell.level.rawValue, cell.strategy, cell.fault, cell.theory.words,
                        Text.grouped(cell.schedules),
                        kinds.isEmpty ? "-" : kinds.joined(separator: ", "),
                        cell.judgement == .asExpected ? cell.verdict : "**\(cell.verdict)**",
                        cell.firstViolatingSeed.map(String.init) ?? "-", links(cell),
                    ]
                }) + [
                "",
                "`violations`: schedules by the kind of what was violated; a schedule counts for each kind. Where theory "
                    + "does not say safe, the first violation ends a cell, unless all orders are played.",
            ]
    }

    private func links(_ cell: ExploreCell) -> String {
        guard let story = cell.story else { return "-" }
        let place = ExploreReports.place(of: story)
        let known = [("page", "html"), ("text", "txt"), ("decisions", "json")]
            .filter { files.contains("\(place).\($0.1)") }
            .map { "[\($0.0)](\(place).\($0.1))" }
        return "\(Text.count(story.steps.count, "step")) \(known.joined(separator: " "))"
    }

    private var speed: [String] {
        let kinds = FaultLevel.allCases.flatMap { level in results.strategies.map { (level, $0) } }
        let rows = kinds.compactMap { level, strategy -> [String]? in
            let cells = results.cells.filter { $0.strategy == strategy.id && $0.level == level }
            let seconds = cells.reduce(0) { $0 + $1.cpuSeconds }
            let schedules = cells.reduce(0) { $0 + $1.schedules }
            guard seconds > 0 else { return nil }
            return [
                level.rawValue, strategy.id, Text.grouped(schedules), Text.number(seconds),
                Text.number(Double(schedules) / seconds),
            ]
        }
        return ["## Speed", ""]
            + MarkdownReport.table(
                ["level", "strategy", "schedules", "CPU seconds", "schedules a second on one core"], rows)
    }

    private var chances: [String] {
        let known = results.cells.compactMap { cell in cell.chance.map { (cell, $0) } }
            .filter { $0.0.violated == 0 }
        guard !known.isEmpty else { return [] }
        return [
            "## The chance of PCT", "",
            "A bug has depth d when d steps in one order show it. How likely is it that the schedules by priorities "
                + "met such a bug, if it was there? At least 1 - (1 - 1 / (n · kᵈ⁻¹))ᴺ. n: the most tasks and lines of "
                + "events in one schedule. k: the steps among which the changes of priority are drawn, those of the "
                + "simplest schedule. N: the schedules with d - 1 changes. Schedules by chance alone (uniform) are not counted.",
            "",
            "What the number does not say: a bug that needs a change after step k is not covered (`longest` is the most "
                + "steps in one schedule); a bug that also needs a fault at one moment, or a message of one length, has "
                + "this chance only among schedules in which these are so.", "",
        ]
            + MarkdownReport.table(
                [
                    "level", "strategy", "fault", "n", "k", "longest", "N, no change", "N, one", "N, two",
                    "d = 1", "d = 2", "d = 3",
                ],
                known.map { cell, chance in
                    let of = chance.of
                    return [
                        cell.level.rawValue, cell.strategy, cell.fault, Text.grouped(of.mostRivals),
                        Text.grouped(of.changeSteps),
                        Text.grouped(of.mostSteps), Text.grouped(of.schedulesByChanges[0]),
                        Text.grouped(of.schedulesByChanges[1]), Text.grouped(of.schedulesByChanges[2]),
                        Text.chance(chance.depth1), Text.chance(chance.depth2),
                        Text.chance(chance.depth3),
                    ]
                })
    }

    /// What a search through all orders leaves out.
    private var equivalents: [String] {
        guard results.run.orders == "all" else { return [] }
        return [
            "## What is equivalent, and what is left out", "",
            "Two buyers in two processes buy one unit of two, once. A decision is which command reaches a server next, "
                + "which task of a process goes on, and before which step the fault strikes. Between two of its commands a "
                + "process does nothing that another one can notice, so orders that differ in that alone are one and are "
                + "played once.", "",
            "Left out: messages of different lengths (each takes the shortest time), scripts that the server does not "
                + "know, faults that strike more than once or by chance, more buyers, and more than two tries within a "
                + "lease. A command may be 6 ms later than others that are due before it.",
        ]
    }

    private func names(_ title: String, _ notes: [FaultResults.Note]) -> [String] {
        guard !notes.isEmpty else { return [] }
        return ["## \(title)", ""] + notes.map { "- `\($0.id)`: \(FaultMarkdown.plain($0.summary))" }
    }

    private var method: [String] {
        let run = results.run
        let time = Text.time(.seconds(run.ended.timeIntervalSince(run.started)))
        return ["## How it was run", ""]
            + MarkdownReport.table(
                ["what", "value"],
                [
                    ["status", run.status == .complete ? "complete" : "**interrupted**"],
                    ["time", "\(run.started.formatted(.iso8601)), \(time)"],
                    ["seed of the first schedule", String(run.seed)], ["orders", run.orders],
                    ["trace of the cells that no violation ends", "`\(run.trace)`"],
                ] + FaultMarkdown.machine(results.env, run.toolVersion, run.gitCommit)) + [
                "", "The same again:", "", "```", run.command, "```",
            ]
    }

    private var rawData: [String] {
        files.contains("explore.json")
            ? ["## Raw data", "", "- [explore.json](explore.json): every number above, every story."] : []
    }
}
