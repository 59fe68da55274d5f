import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses
import Testing

/// What `report` and `index` make of a conformance.json.
@Suite("A conformance.json that was kept", .timeLimit(.minutes(2)))
struct ConformanceAgainTests {
    private func run(_ arguments: [String]) async throws -> (LabProcesses.ExitStatus, [String]) {
        let child = try await ChildProcess.start(try RunCommandTests.program("lab-bench"), arguments)
        return (await child.waitUntilExit(), child.lines())
    }

    /// A folder with one conformance run, and its results.
    private func kept() throws -> (TemporaryDirectory, ConformanceResults) {
        let (folder, results) = (try TemporaryDirectory(), ConformanceFixture.results())
        let place = folder.file("2026-conformance")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try results.json().write(to: URL(filePath: place + "/conformance.json"))
        return (folder, results)
    }

    @Test("is drawn again by report, from the folder and from the file, the same bytes each time")
    func drawn() async throws {
        let (folder, results) = try kept()
        for (place, output) in [
            ("2026-conformance", "one"), ("2026-conformance/conformance.json", "other"),
        ] {
            let (end, lines) = try await run([
                "report", folder.file(place), "--output", folder.file(output),
            ])
            #expect(end == .exited(0), "\(lines)")
            #expect(lines == ["report: \(folder.file(output))/CONFORMANCE.md"])
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: folder.file("\(output)/\(name)"), encoding: .utf8)
            }
            #expect(try text("CONFORMANCE.md") == ConformanceMarkdown(results).text)
            #expect(try text("junit.xml") == ConformanceJUnit(results).text)
        }
    }

    @Test("stands in the index, also where no other run does; one that cannot be read is named")
    func indexed() async throws {
        let (folder, results) = try kept()
        let broken = folder.file("broken")
        try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(filePath: broken + "/conformance.json"))
        let (end, lines) = try await run(["index", folder.path])
        #expect(end == .exited(0), "\(lines)")
        #expect(lines.contains { $0.contains("broken was left out") }, "\(lines)")
        let page = try String(contentsOfFile: folder.file("index.html"), encoding: .utf8)
        #expect(page.contains("2026-conformance"))
        #expect(page.contains(ConformanceText(results).sentence))
        #expect(page.contains("setnx-spin, mine"))
        // No CONFORMANCE.md lies there, so nothing leads to it.
        #expect(!page.contains("CONFORMANCE.md"))
        _ = try await run(["report", folder.file("2026-conformance")])
        _ = try await run(["index", folder.path])
        let linked = try String(contentsOfFile: folder.file("index.html"), encoding: .utf8)
        #expect(linked.contains("href=\"2026-conformance/CONFORMANCE.md\""))
    }
}
