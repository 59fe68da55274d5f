import BenchModel
import BenchResults
import Foundation
import Testing

@testable import BenchReports
@testable import FaultAudit

@Suite("faults.html and the pages of cells")
struct FaultPagesTests {
    private static let history = "histories/setnx-spin-slow-holder-7.json.gz"

    private static func pages(
        _ results: FaultResults = FaultFixture.results(), files: Set<String> = []
    ) -> [String: String] {
        Dictionary(uniqueKeysWithValues: FaultPages(results, files: files).pages.map { ($0.path, $0.text) })
    }

    private static func page(
        _ name: String, _ results: FaultResults = FaultFixture.results(), files: Set<String> = []
    ) throws -> String {
        try #require(pages(results, files: files)[name])
    }

    private static func links(_ text: String) -> [String] {
        text.components(separatedBy: "href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }

    @Test("are one page for the run and one for each cell, by the names of the cells")
    func paths() {
        let results = FaultFixture.results()
        let paths = FaultPages(results).pages.map(\.path)
        #expect(paths == ["faults.html"] + results.cells.map { "cells/\($0.name).html" })
        #expect(Set(paths).count == paths.count)
    }

    @Test("link pages, places and files that are there, and nothing else", arguments: [true, false])
    func links(hasFiles: Bool) throws {
        let files: Set<String> = hasFiles ? [Self.history, "faults.json", "FAULTS.md"] : []
        let pages = Self.pages(files: files)
        var targets: Set<String> = []
        for (path, text) in pages {
            let folder = URL(filePath: "/\(path)").deletingLastPathComponent()
            for link in Self.links(text) {
                if link.hasPrefix("#") {
                    #expect(text.contains("id=\"\(link.dropFirst())\""), "\(path): \(link)")
                } else {
                    let target = String(folder.appending(path: link).standardizedFileURL.path().dropFirst())
                    #expect(pages[target] != nil || files.contains(target), "\(path): \(link)")
                    targets.insert(target)
                }
            }
        }
        #expect(targets.isSuperset(of: files))
        #expect(targets.isSuperset(of: pages.keys))
    }

    @Test("refer to nothing outside")
    func alone() {
        for (path, text) in Self.pages() {
            for word in ["http://", "https://", "src=", "@import"] {
                #expect(!text.contains(word), "\(path): \(word)")
            }
        }
    }

    @Test("say the answer first, then a matrix for each level, then what broke each strategy")
    func order() throws {
        let text = try Self.page("faults.html")
        let places = try [
            "class=\"verdict violation\"", "14 cells: 9 as theory says", "id=\"strategy-level\"",
            "id=\"service-level\"", "id=\"what-broke-each-strategy\"", "<figure", "id=\"violations\"",
        ].map { try #require(text.range(of: $0), "\($0)").lowerBound }
        #expect(places == places.sorted())
    }

    @Test("have a cell of the matrix for each pair: its word, what stands beside it, and what theory says")
    func cells() throws {
        let text = try Self.page("faults.html")
        for part in [
            "<a class=\"broken\" href=\"cells/strategy-setnx-spin-slow-holder-7.html\" title=\"setnx-spin under "
                + "slow-holder: VIOLATED, 2 of 3 seeds; theory: violated; tries: 2 of at most 20\">VIOLATED"
                + "<small>2 of 3 seeds</small></a>",
            ">VIOLATED !<small>against theory</small></a>", ">VIOLATED !<small>ledger lost</small></a>",
            ">not shown !</a>", ">unknown ?</a>", ">safe<small>may break</small></a>",
            "title=\"not applicable: it has no script | at all\">-</span>", ">not run</span>",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        // Whatever is not safe has not the colour of what is.
        for link in text.components(separatedBy: "<a class=\"safe\"").dropFirst() {
            #expect(link.prefix { $0 != "<" }.hasSuffix(">safe"))
        }
    }

    @Test("say which strategies something broke, and which nothing did")
    func broken() throws {
        let text = try Self.page("faults.html")
        #expect(text.contains("<p>Broken by at least one fault: setnx-spin, fenced, lua-atomic.</p>"))
        #expect(!text.contains("Nothing broke"))
        let large = try Self.page("faults.html", FaultFixture.large)
        #expect(
            large.contains(
                "Nothing broke fenced, optimistic, lua-atomic, combining, sharded, sql-row, redlock.</p>"))
        #expect(
            large.contains("<code>unguarded</code>: <strong>breaks under: all 14 (none, slow-holder, "))
    }

    @Test("draw every availability and recovery of the cells")
    func picture() throws {
        let text = try Self.page("faults.html")
        for value in ["0.42", "0.0", "0.03", "120.0", "900.0", "inf"] {
            #expect(text.contains("data-values=\"\(value)\""), "\(value)")
        }
    }

    @Test("explain a cell: what was broken, theory, each finding, the calls, and how to run it again")
    func cell() throws {
        let text = try Self.page("cells/strategy-setnx-spin-slow-holder-7.html", files: [Self.history])
        for part in [
            "<h1>setnx-spin under slow-holder</h1>", "Theory says: violated.",
            "Work inside the lock takes longer than the lease.", "SET NX PX, asked for again and again.",
            "operation 35 was let in while operation 32 was inside", "200000 places were tried",
            "<strong>proof</strong>", "Try 2 showed it", "<td>no answer</td>", "2150.0 to no end",
            "--faults slow-holder --level strategy --seed 7</code>", "href=\"../faults.html\"",
            "href=\"../\(Self.history)\"",
            "href=\"strategy-setnx-spin-slow-holder-8.html\">seed 8</a>: not shown",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("say of a cell without a try why there is none")
    func untried() throws {
        let text = try Self.page("cells/strategy-setnx-spin-pause-redis-7.html")
        #expect(text.contains("No try was finished."))
        #expect(text.contains("<p>Why: \(HTML.escaped(FaultFixture.hostile))</p>"))
        #expect(!text.contains("<figure"))
        #expect(text.contains("class=\"verdict unknown\""))
    }

    @Test("show text from outside as text")
    func escaping() throws {
        let pages = Self.pages()
        let escaped = HTML.escaped(FaultFixture.hostile)
        #expect(try #require(pages["faults.html"]).contains(": Redis is stopped, then goes on: \(escaped)."))
        #expect(try #require(pages["faults.html"]).contains("<td class=\"text\">\(escaped)</td>"))
        for (path, text) in pages {
            for part in ["<b>", "<strong>strong</strong>", "<code>ls</code>", "href=\"y\""] {
                #expect(!text.contains(part), "\(path): \(part)")
            }
        }
    }

    @Test("say that nothing is known when no cell was run")
    func empty() throws {
        let pages = Self.pages(FaultFixture.results([], status: .interrupted, notRun: 40))
        #expect(pages.count == 1)
        let text = try #require(pages["faults.html"])
        #expect(text.contains("No cell was run: nothing is known."))
        #expect(text.contains("<strong>The run was interrupted: 40 cells were not run.</strong>"))
        #expect(!text.contains("class=\"verdict pass\""))
    }
}

@Suite("The drawing of what buyers did")
struct HoldTimelineTests {
    private static func timeline(_ operations: [FaultCell.Operation]) throws -> HoldTimeline {
        try #require(HoldTimeline(FaultFixture.shown([], operations).scene, title: "calls"))
    }

    /// Of a rectangle of a call: its left and right end.
    private static func ends(_ id: Int, _ svg: String, _ mark: String = "height=\"6\"") throws -> (
        Double, Double
    ) {
        let group = svg[try #require(svg.range(of: "data-values=\"\(id)\"")).upperBound...]
        let rects = group[..<(try #require(group.range(of: "</g>"))).lowerBound].components(
            separatedBy: "<rect ")
        let rect = try #require(rects.first { $0.contains(mark) })
        func number(_ name: String) throws -> Double {
            let start = try #require(rect.range(of: "\(name)=\"")).upperBound
            return try #require(Double(rect[start...].prefix { $0 != "\"" }))
        }
        let x = try number("x")
        return (x, x + (try number("width")))
    }

    @Test("has one lane for each buyer, and no two calls of a row overlap")
    func lanes() throws {
        let lanes = try Self.timeline(FaultFixture.overlap).lanes
        // Those of the proof first.
        #expect(lanes.map(\.buyer) == [0, 4, 2, 3, 5])
        #expect(lanes.map(\.process) == [1, 2, 0, 0, 2])
        #expect(lanes[2].rows.map { $0.map(\.id) } == [[31, 33, 37]])
        let crossed = try Self.timeline([
            FaultFixture.operation(0, buyer: 1, from: 0, to: nil, .unknown),
            FaultFixture.operation(1, buyer: 1, from: 5, to: 9),
            FaultFixture.operation(2, buyer: 1, from: 10, to: 12),
        ])
        #expect(crossed.lanes[0].rows.map { $0.map(\.id) } == [[0], [1, 2]])
    }

    @Test("draws a call from its beginning to its answer, and the lock from the grant to its end")
    func places() throws {
        let svg = try Self.timeline(FaultFixture.overlap).svg
        let (call, lock) = (try Self.ends(32, svg), try Self.ends(32, svg, "height=\"18\""))
        let perMs = (call.1 - call.0) / (2391 - 961)
        #expect(abs(lock.0 - call.0 - 5 * perMs) < 0.2)
        #expect(abs(call.1 - lock.1 - 3 * perMs) < 0.2)
        let other = try Self.ends(35, svg, "height=\"18\"")
        #expect(other.0 > lock.0 && other.0 < lock.1)
        #expect(abs(other.0 - call.0 - (1968 - 961) * perMs) < 0.2)
    }

    @Test("runs to the right edge, with an arrow, where nobody saw the end")
    func open() throws {
        let svg = try Self.timeline(FaultFixture.overlap).svg
        let (call, lock) = (try Self.ends(36, svg), try Self.ends(36, svg, "height=\"18\""))
        #expect(call.1 == Plot.width - 12)
        #expect(lock.1 == Plot.width - 12)
        #expect(try Self.ends(32, svg).1 < Plot.width - 12)
        #expect(svg.components(separatedBy: "Z\" fill=").count - 1 == 2)
    }

    @Test("tells outcomes apart without colour, and says in words what proves the violation")
    func words() throws {
        let timeline = try Self.timeline(FaultFixture.overlap)
        for svg in [timeline.svg, timeline.narrow] {
            for id in FaultFixture.overlap.map(\.id) { #expect(svg.contains("data-values=\"\(id)\"")) }
            #expect(svg.contains("stroke-dasharray=\"3 2\""))
            #expect(svg.contains("fill=\"url(#hatch-calls-"))
            #expect(svg.components(separatedBy: "class=\"proof\"").count == 3)
            #expect(svg.contains("role=\"img\" aria-label=\"calls\""))
            #expect(svg.contains("<title>calls</title><desc>7 calls of 5 buyers"))
            #expect(svg.contains("The proof: #32 ok; #35 ok.</desc>"))
            #expect(svg.contains(">fault</text>"))
        }
        #expect(timeline.svg.contains(">#32 ok</text>"))
        #expect(try Self.timeline(FaultFixture.fenced).svg.contains(">#11 ok, fence 7</text>"))
    }

    @Test("frames the time in which two were inside, where that is the violation")
    func inside() throws {
        let broken = FaultFixture.shown(FaultFixture.overlapFindings, FaultFixture.overlap)
        let timeline = try #require(HoldTimeline(broken.scene, title: "calls"))
        #expect(timeline.both == 1968...2133)
        #expect(timeline.svg.contains(">two inside</text>"))
        #expect(try Self.timeline(FaultFixture.overlap).both == nil)
    }

    @Test("shades the fault where it is in range only")
    func shade() throws {
        let early = [FaultFixture.operation(0, buyer: 0, from: 10, to: 20)]
        #expect(!(try Self.timeline(early).svg.contains("class=\"band\"")))
        #expect(try Self.timeline(FaultFixture.overlap).svg.contains("class=\"band\""))
    }

    @Test("shows the proof alone where it would be small in the whole")
    func near() throws {
        let shown = FaultFixture.shown([], FaultFixture.fenced)
        let span = try #require(HoldTimeline.proofSpan(shown.scene))
        #expect(span.contains(910) && span.contains(1005) && !span.contains(20))
        let near = try #require(HoldTimeline(shown.scene, title: "near", span: span))
        #expect(
            near.lanes.flatMap { $0.rows.joined() }.map(\.id).sorted()
                == [10, 11, 12, 13].filter { $0 != 10 || span.contains(900) })
        let (call, whole) = (
            try Self.ends(11, near.svg), try Self.ends(11, try Self.timeline(FaultFixture.fenced).svg)
        )
        #expect(call.1 - call.0 > 5 * (whole.1 - whole.0))
        #expect(HoldTimeline.proofSpan(FaultFixture.shown([], FaultFixture.overlap).scene) == nil)
    }

    @Test("leaves out who only waited, and says so, where there are too many lanes to look at")
    func waiting() throws {
        let waiting = (0..<HoldTimeline.mostLanes).map {
            FaultFixture.operation(100 + $0, buyer: 10 + $0, from: 950, to: 2000, .nothing)
        }
        let few = try Self.timeline(FaultFixture.overlap + waiting.prefix(3))
        #expect(few.lanes.count == 8)
        #expect(few.leftOut == 0)
        let many = FaultFixture.shown([], FaultFixture.overlap + waiting)
        let timeline = try #require(HoldTimeline(many.scene, title: "calls"))
        // Buyer 5 of process 2 only waited, too.
        #expect(timeline.lanes.map(\.buyer) == [0, 4, 2, 3])
        #expect(timeline.leftOut == 13)
        let html = HoldTimeline.figures(many.scene)[0].html
        #expect(html.contains("13 buyers who only waited: in the table below."))
    }

    @Test("is not drawn of nothing")
    func nothing() { #expect(HoldTimeline(FaultFixture.shown().scene, title: "calls") == nil) }
}
