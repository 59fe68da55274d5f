import Foundation
import LabProcesses
import LabTesting
import Testing

/// The table of `./lab test --coverage`, from reports that were made up.
@Suite("The table of covered lines", .timeLimit(.minutes(1)))
struct CoverageTableTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../coverage.py").standardizedFileURL.path

    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let lines: [String]
    }

    /// The table for lines that ran, of 1,000 a target.
    private func table(_ ran: [String: Int], _ options: [String] = ["--judge"]) async throws -> Ended {
        let folder = try TemporaryDirectory(prefix: "lab-coverage")
        let sources = folder.file("Sources")
        for name in ["InventoryService", "LockStrategies", "Other"] {
            try FileManager.default.createDirectory(
                atPath: "\(sources)/\(name)/Part", withIntermediateDirectories: true)
            try "".write(toFile: "\(sources)/\(name)/Part/A.swift", atomically: true, encoding: .utf8)
        }
        let files = ran.map { name, count in
            let summary = #"{"lines": {"count": 1000, "covered": \#(count)}}"#
            return #"{"filename": "\#(sources)/\#(name)/Part/A.swift", "summary": \#(summary)}"#
        }
        // A file of a dependency counts nowhere.
        let foreign = #"{"filename": "/other/A.swift", "summary": {"lines": {"count": 9000, "covered": 0}}}"#
        let report = #"{"data": [{"files": [\#((files + [foreign]).joined(separator: ", "))]}]}"#
        try report.write(toFile: folder.file("c.json"), atomically: true, encoding: .utf8)
        let child = try await ChildProcess.start(
            "python3", [Self.script] + options + ["--sources", sources, folder.file("c.json")])
        let status = await child.waitUntilExit()
        folder.remove()
        return Ended(status: status, lines: child.lines())
    }

    @Test("has a row for each target and one for all, and is content at the limits")
    func rows() async throws {
        let ended = try await table(["InventoryService": 950, "LockStrategies": 950, "Other": 800])
        #expect(ended.status == .exited(0))
        #expect(
            ended.lines == [
                "target              lines      ran      %",
                "InventoryService    1,000      950   95.0",
                "LockStrategies      1,000      950   95.0",
                "Other               1,000      800   80.0",
                "all targets         3,000    2,700   90.0",
            ])
    }

    @Test(
        "fails below 95 % of the service or of the strategies, and below 90 % of all, and says which",
        arguments: [
            (["InventoryService": 949, "LockStrategies": 1000, "Other": 1000], "InventoryService"),
            (["InventoryService": 1000, "LockStrategies": 949, "Other": 1000], "LockStrategies"),
            (["InventoryService": 1000, "LockStrategies": 1000, "Other": 699], "of all lines"),
        ])
    func limits(ran: [String: Int], name: String) async throws {
        let ended = try await table(ran)
        #expect(ended.status == .exited(1))
        #expect(ended.lines.filter { $0.hasPrefix("coverage: ") }.count == 1)
        #expect(ended.lines.contains { $0.hasPrefix("coverage: ") && $0.contains(name) }, "\(ended.lines)")
        // A part of the tests is shown and not judged.
        #expect(try await table(ran, []).status == .exited(0))
    }

    @Test("fails when a target was not counted")
    func missing() async throws {
        let ended = try await table(["InventoryService": 1000, "LockStrategies": 1000])
        #expect(ended.status == .exited(2))
        #expect(ended.lines == ["coverage: no line was counted of Other"])
    }
}
