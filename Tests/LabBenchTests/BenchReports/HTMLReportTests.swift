import BenchAudit
import BenchModel
import BenchResults
import BenchRun
import Foundation
import LabProcesses
import LockStrategies
import NIOCore
import Testing

@testable import BenchLoad
@testable import BenchReports

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("report.html")
struct HTMLReportTests {
    private static let results = Result {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic,setnx-spin")
        return RunResultsTests.results(plan, RunResultsTests.trials(plan))
    }

    @Test("refers to nothing outside, and has one script of its own, which only sorts and unfolds")
    func offline() throws {
        let text = HTMLReport(try Self.results.get()).text
        #expect(text.components(separatedBy: "<script").count == 2)
        for call in ["fetch", "XMLHttpRequest", "WebSocket", "import", "eval", "src="] {
            #expect(!(text.components(separatedBy: "<script>").last ?? "").contains(call))
        }
        for sign in ["http:", "https:", "//", "<link", "<img", "@import", "url(", "onload="] {
            #expect(!text.contains(sign), "\(sign)")
        }
    }

    /// Every number in a JSON value.
    static func numbers(_ value: Any, into found: inout Set<Double>) {
        if let number = value as? NSNumber { found.insert(number.doubleValue) }
        for part in value as? [Any] ?? [] { numbers(part, into: &found) }
        for part in (value as? [String: Any] ?? [:]).values { numbers(part, into: &found) }
    }

    @Test("plots only values that stand in results.json")
    func values() throws {
        let results = try Self.results.get()
        let text = HTMLReport(results).text
        var known: Set<Double> = []
        Self.numbers(try JSONSerialization.jsonObject(with: results.json()), into: &known)
        let plotted = text.components(separatedBy: "data-values=\"").dropFirst().flatMap { part in
            part.prefix { $0 != "\"" }.split(separator: " ").map { Double($0) }
        }
        #expect(plotted.count > 100)
        for value in plotted { #expect(value.map(known.contains) == true, "\(value ?? .nan)") }
    }

    @Test("keeps each picture as a file of its own too: whole, named by its title, with nothing from outside")
    func files() throws {
        let page = HTMLReport(try Self.results.get())
        let figures = page.figures + page.timelines
        #expect(Set(figures.map(\.fileName)).count == figures.count)
        #expect(figures.map(\.fileName).contains("latency-by-percentile-closed-load.svg"))
        #expect(figures.map(\.fileName).contains("lua-atomic-over-time.svg"))
        for figure in figures {
            let text = figure.document
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(figure.fileName)")
            let outside = text.replacing("http://www.w3.org/2000/svg", with: "")
            for sign in ["http", "//", "<script", "url(", "@import"] { #expect(!outside.contains(sign)) }
            for key in figure.keys { #expect(text.contains(">\(HTML.escaped(key.label))</text>")) }
            #expect(text.components(separatedBy: "data-values").count > 1)
        }
    }

    @Test("shows over time what was refused, and the p50 below the p99")
    func overTime() throws {
        let plan = try RunResultsTests.plan("lua-atomic", rounds: 1)
        var results = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        let calm = try #require(HTMLReport(results).timelines.first).html
        #expect(!calm.contains("(refused)"))
        let real = try #require(results.trials.lastIndex { !$0.isControl })
        results.trials[real].series[3].refusals = 5
        let text = try #require(HTMLReport(results).timelines.first).html
        #expect(text.contains("<title>lua-atomic (refused)</title>"))
        #expect(text.contains("<title>lua-atomic (p50)</title>"))
    }

    @Test("gives each strategy one colour, and no two the same")
    func colours() throws {
        #expect(Palette.colours.count >= StrategyRegistry.builtIn.entries.count)
        #expect(Set(Palette.colours).count == Palette.colours.count)
        let text = HTMLReport(try Self.results.get()).text
        let colour = Palette([]).colour("lua-atomic")
        let groups = text.components(separatedBy: "<g color=\"").dropFirst()
        for group in groups where group.contains("<title>lua-atomic") {
            // Up to the end of the mark.
            let mark = group.components(separatedBy: "</g>")[0]
            if mark.contains("<title>lua-atomic") { #expect(mark.hasPrefix(colour)) }
        }
    }

    @Test("shows verdict, command, and every table of the Markdown report")
    func tables() throws {
        let results = try Self.results.get()
        let text = HTMLReport(results).text
        #expect(text.contains(HTML.escaped(results.run.command)))
        #expect(text.contains("<section class=\"verdict pass\""))
        let titles = MarkdownReport(results).text.split(separator: "\n").filter { $0.hasPrefix("## ") }
        #expect(titles.count > 6)
        for title in titles.map({ $0.dropFirst(3) }) + ["Latency", "Pictures", "The same again"] {
            #expect(text.contains("<h2 id=\"\(HTML.anchor(title))\">\(HTML.escaped(title)) "), "\(title)")
            #expect(text.contains("<a href=\"#\(HTML.anchor(title))\">"), "\(title)")
        }
        #expect(!text.lowercased().contains("nan<"))
    }

    @Test("is drawn of a run without any trial")
    func empty() throws {
        let plan = try RunResultsTests.plan("lua-atomic")
        let text = HTMLReport(RunResultsTests.results(plan, [], end: .interrupted)).text
        #expect(text.contains("everything below is partial"))
        #expect(!text.contains("inf"))
    }

    private let palette = Palette([])

    @Test("escapes what could be markup")
    func escaping() {
        #expect(
            HTML.rendered(["a < b & `c > \"d\"`"], palette)
                == "<p>a &lt; b &amp; <code>c &gt; &quot;d&quot;</code></p>")
        #expect(
            HTML.rendered(["see [raw](results.json)."], palette)
                == "<p>see <a href=\"results.json\">raw</a>.</p>")
        #expect(
            HTML.rendered(["- **bold** one", "- two"], palette)
                == "<ul><li><strong>bold</strong> one</li>\n<li>two</li></ul>")
    }

    @Test("keeps a bar inside a cell of a table, in Markdown and in HTML")
    func bar() {
        let lines = MarkdownReport.table(["a", "b"], [["|t| <= 5", "1"]])
        #expect(lines.last == #"| \|t\| <= 5 | 1 |"#)
        #expect(HTML.rendered(lines, palette).contains(#"<th scope="row">|t| &lt;= 5</th><td>1</td>"#))
    }
}

@Suite("A scale of a plot")
struct ScaleTests {
    @Test("puts shares by their nines")
    func nines() {
        let scale = Scale.nines(most: 4)
        #expect(scale.place(0) == 0)
        #expect(abs(scale.place(0.9) - 0.25) < 1e-9)
        #expect(abs(scale.place(0.999) - 0.75) < 1e-9)
        #expect(Scale.nines(upTo: 0.98) == .nines(most: 2))
        #expect(Scale.nines(upTo: 0.999) == .nines(most: 3))
        #expect(scale.ticks.map(\.label) == ["min", "p50", "p90", "p99", "p99.9", "p99.99"])
    }

    @Test("has round limits and ticks around its values")
    func round() {
        #expect(Scale.linear([3, 871]) == .linear(from: 0, to: 1000))
        #expect(Scale.linear([]) == .linear(from: 0, to: 1))
        #expect(Scale.logarithmic([3, 871]) == .logarithmic(from: 1, to: 1000))
        #expect(Scale.linear([100]).ticks.map(\.label) == ["0", "20", "40", "60", "80", "100"])
        #expect(Scale.logarithmic([1, 100]).place(10) == 0.5)
    }
}

@Suite("junit.xml and samples.csv.gz")
struct JUnitAndSamplesTests {
    @Test("counts each check and target once, and marks what failed")
    func junit() throws {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic")
        let good = JUnitReport(RunResultsTests.results(plan, RunResultsTests.trials(plan))).text
        #expect(good.contains("<testsuite name=\"lua-atomic\""))
        #expect(good.contains("failures=\"0\""))
        #expect(!good.contains("<failure"))
        let bad = RunResultsTests.trials(plan) { _, facts in facts.ledger?.duplicates = 1 }
        let text = JUnitReport(RunResultsTests.results(plan, bad)).text
        #expect(text.contains("name=\"trial 2: no-duplicates\"><failure message=\"no reservation became two"))
        let parser = XMLParser(data: Data(text.utf8))
        #expect(parser.parse())
    }

    @Test("gunzip finds a line for every request")
    func samples() async throws {
        let plan = try RunResultsTests.plan("lua-atomic", rounds: 1)
        let directory = try TemporaryDirectory()
        let path = directory.file("samples.csv.gz")
        try SamplesFile.write(RunResultsTests.trials(plan), to: path)
        let gunzip = try await ChildProcess.start("gunzip", ["-c", path])
        #expect(await gunzip.waitUntilExit().isSuccess)
        let lines = gunzip.lines(of: .standardOutput)
        #expect(lines.last == "2,lua-atomic,closed,1,2,1,990000,990000,1000000,success,,1000,2000,200")
        directory.remove()
    }

    @Test("a reservoir keeps everything that fits, and a fair choice of what does not")
    func reservoir() {
        func sample(_ number: Int) -> Sample {
            Sample(
                user: number, product: 0, intended: .zero, sent: .zero, done: .zero, outcome: .success,
                timing: ServerTiming())
        }
        var few = SampleReservoir(limit: 10)
        for number in 0..<10 { few.add(sample(number)) }
        #expect(few.samples.map(\.user) == Array(0..<10))
        var many = SampleReservoir(limit: 1000)
        for number in 0..<100_000 { many.add(sample(number)) }
        #expect(many.seen == 100_000)
        #expect(many.samples.count == 1000)
        let mean = many.samples.reduce(0.0) { $0 + Double($1.user) } / 1000
        #expect(abs(mean - 50_000) < 4_000)
    }
}
