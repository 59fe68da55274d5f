package import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws the index of a folder of runs: which there are, how each strategy sold from run to run where the
/// conditions were equal, and any two of them compared. Static pages that need no server.
package struct RunIndex: Sendable {
    /// A folder with results.
    package struct Entry: Sendable {
        /// Its path below the index.
        package let folder: String
        package let results: RunResults
        /// `report.html` lies beside the results.
        package let hasPage: Bool

        package init(folder: String, results: RunResults, hasPage: Bool) {
            (self.folder, self.results, self.hasPage) = (folder, results, hasPage)
        }
    }

    /// A folder of a conformance run.
    package struct Judged: Sendable {
        let folder: String
        let results: ConformanceResults
        let hasPage: Bool

        /// - Parameters:
        ///   - folder: Its path below the index.
        ///   - hasPage: `CONFORMANCE.md` lies beside the results.
        package init(folder: String, results: ConformanceResults, hasPage: Bool) {
            (self.folder, self.results, self.hasPage) = (folder, results, hasPage)
        }
    }

    /// Runs of equal conditions, the oldest one first.
    struct Group: Sendable {
        var entries: [Entry]
    }

    /// A group has a page for any two of so many of its newest runs.
    package static let mostCompared = 10

    let groups: [Group]
    let judged: [Judged]
    private let unread: [(folder: String, why: String)]
    private let thresholds: Thresholds

    /// - Parameters:
    ///   - judged: Conformance runs, which stand together below the others.
    ///   - unread: Folders whose results cannot be read, and why.
    package init(
        _ entries: [Entry], judged: [Judged] = [], unread: [(folder: String, why: String)] = [],
        thresholds: Thresholds = Thresholds()
    ) {
        self.unread = unread
        self.judged = judged.sorted { $0.results.run.started > $1.results.run.started }
        self.thresholds = thresholds
        var groups: [Group] = []
        for entry in entries.sorted(by: { $0.results.run.started < $1.results.run.started }) {
            let place = groups.firstIndex { group in
                group.entries.last.map { Fingerprint.differences($0.results, entry.results).isEmpty } == true
            }
            if let place {
                groups[place].entries.append(entry)
            } else {
                groups.append(Group(entries: [entry]))
            }
        }
        // The group with the newest run first.
        self.groups = groups.sorted { one, other in
            let last = [one, other].map { $0.entries.last?.results.run.started ?? .distantPast }
            return last[0] > last[1]
        }
    }

    /// Every page by its path below the index.
    package var pages: [(path: String, text: String)] {
        [("index.html", index)] + groups.flatMap(comparisons)
    }

    private static func compared(_ group: Group) -> [Entry] { Array(group.entries.suffix(mostCompared)) }

    private static func path(_ base: Entry, _ new: Entry) -> String {
        "compare/\(HTML.anchor(base.folder))--\(HTML.anchor(new.folder)).html"
    }

    private func comparisons(_ group: Group) -> [(path: String, text: String)] {
        let runs = Self.compared(group)
        return runs.indices.flatMap { first in
            runs[(first + 1)...].map { new in
                let base = runs[first]
                let comparison = Comparison(base: base.results, new: new.results, thresholds: thresholds)
                let page = ComparisonPage(
                    comparison, base: base.results, new: new.results,
                    command: "lab-bench compare \(base.folder) \(new.folder)")
                return (Self.path(base, new), page.text)
            }
        }
    }
}

extension RunIndex {
    private var index: String {
        let count = groups.reduce(0) { $0 + $1.entries.count }
        let body = groups.map { section($0) }.joined(separator: "\n")
        let broken = unread.map {
            "<li><code>\(HTML.escaped($0.folder))</code>: \(HTML.escaped($0.why))</li>"
        }
        let rest =
            broken.isEmpty ? "" : HTML.heading("Not read") + "\n<ul>\(broken.joined())</ul>"
        return Page.text(
            title: "Runs: \(count)",
            body:
                "<h1>\(Text.count(count, "run"))</h1>\n<p class=\"place\">Runs that may be compared stand below one heading.</p>\n"
                + body + conformance + rest)
    }

    private func section(_ group: Group) -> String {
        guard let newest = group.entries.last?.results else { return "" }
        let work = newest.workload
        let title =
            "\(work.scenario.rawValue), \(work.mode.rawValue), \(Text.count(work.users, "buyer")), "
            + "\(Text.number(work.durationSeconds)) s, \(newest.env.cpu), \(Text.count(newest.env.cores, "core")), "
            + "lab-bench \(newest.run.toolVersion ?? "-"), from \(Self.day(group.entries[0].results))"
        return HTML.heading(title) + "\n" + HTML.rendered(table(group), Palette([]))
            + trends(group).map(\.html).joined(separator: "\n") + matrix(group)
    }

    private static func day(_ results: RunResults) -> String { day(results.run.started) }

    static func day(_ moment: Date) -> String {
        String(moment.formatted(.iso8601).prefix(16)).replacing("T", with: " ")
    }

    private func table(_ group: Group) -> [String] {
        MarkdownReport.table(
            ["run", "machine", "commit", "verdict", "answer"],
            group.entries.reversed().map { entry in
                let name = entry.folder
                return [
                    entry.hasPage ? "[\(name)](\(name)/report.html)" : name, entry.results.env.host,
                    entry.results.run.gitCommit.map { "`\($0.prefix(12))`" } ?? "-",
                    entry.results.verdict.word,
                    Answer(entry.results).sentences.first ?? "-",
                ]
            })
    }

    /// How each strategy sold, and how long its slowest twentieth waited, from run to run.
    private func trends(_ group: Group) -> [Figure] {
        guard group.entries.count > 1 else { return [] }
        let ids = group.entries.flatMap { $0.results.strategies.map(\.id) }.removingDuplicates()
        let palette = Palette(ids)
        func trend(
            _ title: String, _ unit: String, _ value: (StrategyResult) -> Double?, _ shown: (Double) -> Double
        ) -> Figure? {
            let lines = ids.map { id in
                (
                    id,
                    group.entries.enumerated().compactMap { place, entry in
                        entry.results.strategies.first { $0.id == id }.flatMap(value).map {
                            (Double(place) + 0.5, $0)
                        }
                    }
                )
            }
            let all = lines.flatMap { $0.1.map { shown($0.1) } }
            guard !all.isEmpty else { return nil }
            var plot = Plot(
                palette, title: title, x: .linear(from: 0, to: Double(group.entries.count)),
                y: .logarithmic(all), xTitle: "run", yTitle: unit,
                xLabels: group.entries.enumerated().map {
                    (Double($0.offset) + 0.5, String(Self.day($0.element.results).prefix(10)))
                })
            for (id, points) in lines {
                plot.line(id, points.map { ($0.0, shown($0.1)) }, values: points.map(\.1))
            }
            return Figure(
                plot,
                "Equal conditions, the oldest run first. Whether two runs differ beyond chance, their comparison says.",
                keys: ids.map { .strategy($0, palette) })
        }
        return [
            trend(
                "Purchases per second from run to run", "purchases/s", { $0.purchasesPerSecond?.median },
                { $0 }),
            trend("p95 from run to run", "milliseconds", { $0.latencyUs.p95 }, { $0 / 1000 }),
        ].compactMap(\.self)
    }

    /// Links to the comparison of any two.
    private func matrix(_ group: Group) -> String {
        let runs = Self.compared(group)
        guard runs.count > 1 else { return "" }
        let header = ["new \\ base"] + runs.dropLast().map(\.folder)
        let rows = runs.indices.dropFirst().map { row in
            [runs[row].folder]
                + runs.indices.dropLast().map { column in
                    column < row ? "[compare](\(Self.path(runs[column], runs[row])))" : ""
                }
        }
        return HTML.rendered(MarkdownReport.table(header, Array(rows)), Palette([]))
    }
}
