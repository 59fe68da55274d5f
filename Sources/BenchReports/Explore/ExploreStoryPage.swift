import BenchModel
import BenchResults

/// The page of one story: what is wrong, the drawing of its calls, and each step in the column of who did it.
struct ExploreStoryPage: Sendable {
    private let story: ExploreStory
    private let cell: ExploreCell
    private let results: ExploreResults

    init(_ story: ExploreStory, of cell: ExploreCell, in results: ExploreResults) {
        (self.story, self.cell, self.results) = (story, cell, results)
    }

    /// What somebody does is words, and no number.
    private static let css = ".steps td, .steps th { text-align: left; }"

    var text: String {
        let title = story.title
        let palette = Palette([story.strategy])
        let body = [
            "<p class=\"place\">Exploration, seed \(results.run.seed), order \(HTML.escaped(cell.order))</p>",
            "<h1>\(HTML.escaped(title))</h1>", answer, about,
            HoldTimeline.figures(story.scene).map(\.html).joined(separator: "\n"),
            "<section class=\"steps\">\(HTML.rendered(steps, palette))</section>",
            HTML.rendered(again, palette),
        ]
        return Page.text(
            title: "\(title): \(cell.verdict)", body: body.joined(separator: "\n"),
            style: FaultStyle.css + "\n" + Self.css)
    }

    private var answer: String {
        let sentences = ["Theory says: \(cell.theory.words)."] + story.violations.map { "\($0)." }
        return
            "<section class=\"verdict violation\" aria-label=\"Answer\"><strong>\(HTML.escaped(cell.verdict))"
            + "</strong><div class=\"answer\">"
            + sentences.map { "<p>\(HTML.escaped($0))</p>" }.joined() + "</div></section>"
    }

    private var about: String {
        let notes = [
            (story.fault, results.faults.first { $0.id == story.fault }?.summary),
            (story.strategy, results.strategies.first { $0.id == story.strategy }?.summary),
            ("who buys", story.people),
        ]
        let items = notes.compactMap { id, summary in
            summary.map { "<li><strong>\(HTML.escaped(id))</strong>: \(HTML.escaped($0))</li>" }
        }
        return "<ul>\(items.joined())</ul>"
    }

    /// A column for each one who acts, so that a reader sees who did what when.
    private var steps: [String] {
        let actors = Set(story.steps.map(\.who)).sorted { Self.rank($0) < Self.rank($1) }
        let rows = story.steps.map { step in
            ["\(step.milliseconds)"]
                + actors.map { $0 == step.who ? FaultMarkdown.plain(step.words) : "" }
        }
        return ["## Who did what when", "", "In ms since the world began.", ""]
            + MarkdownReport.table(["ms"] + actors, rows)
    }

    /// Processes, then servers, then the world.
    private static func rank(_ who: String) -> String {
        let group = who.hasPrefix("process") ? "0" : who == "redis" ? "1" : who == "world" ? "3" : "2"
        return group + who
    }

    private var again: [String] {
        let commit = story.gitCommit.map { ", at commit `\($0)`" } ?? ""
        return [
            "## The same again", "", "In the folder of the results\(commit):", "", "```",
            "lab-bench explore --replay \(ExploreReports.place(of: story)).json", "```",
        ]
    }
}

extension ExploreCell {
    /// What came out, in a few words.
    var verdict: String {
        switch judgement {
        case .againstTheory: "VIOLATED AGAINST THEORY"
        case .notShown: "NOT SHOWN"
        case .undecided: isComplete == false ? "not all orders were played" : "not decided"
        case .asExpected:
            violated > 0
                ? (theory == .violated ? "violated as theory says" : "violated, which theory allows")
                : isComplete == true ? "held in all orders" : "held"
        }
    }
}
