import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws `comparison.html`: one result against another one, with every trial. One file that needs no network.
package struct ComparisonPage: Sendable {
    private let comparison: Comparison
    private let base: RunResults
    private let new: RunResults
    private let command: String
    private let palette: Palette

    /// - Parameter command: Measures or compares the same again.
    package init(_ comparison: Comparison, base: RunResults, new: RunResults, command: String) {
        (self.comparison, self.base, self.new, self.command) = (comparison, base, new, command)
        palette = Palette(new.strategies.map(\.id))
    }

    package var text: String {
        let word = comparison.exit == .good ? "no regression" : comparison.exit.word
        let title =
            "Comparison: \(ComparisonText.name(comparison.base)) and \(ComparisonText.name(comparison.new))"
            .replacing("`", with: "")
        let kind = comparison.exit == .good ? "pass" : comparison.exit == .regression ? "failed" : "unknown"
        let body = [
            "<h1>\(HTML.escaped(title))</h1>",
            "<p class=\"place\">\(HTML.escaped(place))</p>",
            "<section class=\"verdict \(kind)\" aria-label=\"Answer\"><strong>"
                + "\(HTML.escaped(word))</strong><div class=\"answer\"><p>\(HTML.escaped(comparison.sentence))</p></div></section>",
            figures.map(\.html).joined(separator: "\n"),
            HTML.rendered(MarkdownReport.lines([table, limiters, method, again]), palette),
        ]
        return Page.text(title: "\(title): \(word)", body: body.joined(separator: "\n"))
    }

    private var place: String {
        let env = new.env
        return "\(new.workload.scenario.rawValue), \(Text.count(new.workload.users, "buyer")), "
            + "\(Text.count(new.workload.rounds, "round")) of \(Text.number(new.workload.durationSeconds)) s, seed "
            + "\(new.run.seed), \(env.cpu), \(Text.count(env.cores, "core")), "
            + "\(String(new.run.started.formatted(.iso8601).prefix(10)))"
    }
}

extension ComparisonPage {
    /// The trials of each figure, then what they come to.
    private var figures: [Figure] {
        Judgement.Figure.allCases.compactMap { figure in
            let asked = comparison.judgements.filter { $0.figure == figure && $0.base > 0 }
            return asked.isEmpty ? nil : trials(figure, asked)
        }
    }

    /// Each trial by what the base had on average; beside them the mean ratio with its interval.
    private func trials(_ figure: Judgement.Figure, _ asked: [Judgement]) -> Figure {
        let sides = asked.map { judgement in
            (
                judgement, base.values(of: figure, judgement.strategy),
                new.values(of: figure, judgement.strategy)
            )
        }
        let shares = sides.flatMap { judgement, before, after in
            (before + after).map { $0 / judgement.base }
                + (judgement.interval.map { [$0.low, $0.high] } ?? [])
        }
        var plot = Plot(
            palette, title: "\(figure.name): new and base",
            x: .linear(from: 0, to: Double(asked.count)),
            y: .linear(from: 0.95 * min(shares.min() ?? 1, 1), to: 1.05 * max(shares.max() ?? 1, 1)),
            xTitle: "strategy", yTitle: "ratio to the base's mean", height: 340,
            xLabels: asked.enumerated().map { (Double($0.offset) + 0.5, $0.element.strategy) })
        plot.limit(1, "the base's mean")
        for (index, (judgement, before, after)) in sides.enumerated() {
            let place = Double(index)
            for (side, values, x) in [("base", before, 0.25), ("new", after, 0.5)] {
                for value in values {
                    plot.dot(
                        judgement.strategy, place + x, value / judgement.base, value: value,
                        note: "\(judgement.strategy), \(side): \(show(value, figure))",
                        size: side == "base" ? 3 : 4.5)
                }
            }
            guard let interval = judgement.interval else { continue }
            plot.bar(
                x: place + 0.75, halfWidth: 0.02, from: interval.low, to: interval.high,
                value: judgement.ratio,
                colour: palette.colour(judgement.strategy),
                note: "\(judgement.strategy): new / base \(Text.number(judgement.ratio, digits: 3)), "
                    + "95 % interval \(Text.number(interval.low, digits: 3)) - \(Text.number(interval.high, digits: 3))"
            )
        }
        return Figure(
            plot,
            "Of each strategy from the left: trials of the base (small), trials of the new one, and the 95 % interval of "
                + "the ratio of their means. \(figure.isRate ? "Above" : "Below") the line the new one is better."
        )
    }

    private func show(_ value: Double, _ figure: Judgement.Figure) -> String {
        figure.isRate ? "\(Text.number(value))/s" : "\(Text.milliseconds(value)) ms"
    }

    private var table: [String] {
        guard !comparison.judgements.isEmpty else { return [] }
        return ["## Every figure", ""] + ComparisonText(comparison).table
            + (comparison.notJudged.isEmpty ? [] : [""] + comparison.notJudged.map { "- not judged: \($0)" })
    }

    /// What kept each strategy from selling more, before and after.
    private var limiters: [String] {
        let rows = new.strategies.compactMap { strategy -> [String]? in
            guard let before = base.strategies.first(where: { $0.id == strategy.id }) else { return nil }
            func word(_ side: StrategyResult) -> String {
                side.limiter.map { $0.name.rawValue + ($0.evidence.map { ": \($0)" } ?? "") } ?? "-"
            }
            return [strategy.id, word(before), word(strategy)]
        }
        return rows.isEmpty
            ? [] : ["## Limited by", ""] + MarkdownReport.table(["strategy", "base", "new"], rows)
    }

    private var method: [String] {
        comparison.judgements.isEmpty ? [] : ["## Method", "", ComparisonText(comparison).method]
    }

    private var again: [String] { ["## The same again", "", "```", command, "```"] }
}
