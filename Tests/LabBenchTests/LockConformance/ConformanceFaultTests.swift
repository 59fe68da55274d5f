import BenchModel
import Foundation
import LabProcesses
import LockConformance
import Testing

@testable import LabBenchKit

/// Drivers with one planted fault each, and the clause that names it.
@Suite("Conformance convicts", .serialized, .timeLimit(.minutes(6)))
struct ConformanceFaultTests {
    static let driver = DriverPage.root + "/Tests/LabBenchTests/drivers/faulty.py"

    struct Planted: Sendable, CustomTestStringConvertible {
        let fault: String
        let clause: String
        /// What the sentence says.
        let words: String

        init(_ fault: String, _ clause: String, _ words: String) {
            self.fault = fault
            self.clause = clause
            self.words = words
        }

        var testDescription: String { "\(fault) by \(clause)" }
        var options: String { "--fault \(fault)" + (clause == "quorum" ? " --quorum" : "") }
    }

    static let planted = [
        Planted("no-compare", "late-release", "said released, while B held the key"),
        Planted("ttl-never", "expiry", "the key was still taken"),
        Planted("ttl-second", "killed-client", "the key was still taken"),
        Planted("client-clock", "wall-clock", "its wall clock jumped"),
        Planted("release-forever", "release-ends", "was not answered within 5 s"),
        Planted("extend-recreates", "late-extend", "a lease that had ended was extended"),
        Planted("contended-dead", "dead-redis", "A was told that somebody else holds the key"),
        Planted("quorum-half", "quorum", "the key was granted, and 3 of"),
        Planted("late-grant", "late-grant", "B was granted it beside A"),
        Planted("fence-restart", "fences", "must be higher"),
    ]

    private func judge(_ options: String, by clauses: [Clause]) async throws -> [Finding] {
        let mark = ProcessMark()
        // The mark goes to the driver's processes through the environment of `env`.
        let words = "env \(mark.variable) python3 '\(Self.driver)' \(options)"
        let driver = try await DriverUnderTest.find("planted=\(words)")
        let findings = await Conformance.judge([driver.lock], by: clauses)
        #expect(await mark.left == [])
        return findings
    }

    @Test("each planted fault by the clause that names it, with the steps that show it", arguments: planted)
    func convicted(planted: Planted) async throws {
        let clause = try #require(Clause.named(planted.clause))
        let finding = try #require(try await judge(planted.options, by: [clause]).first)
        #expect(finding.verdict == .fail, "\(finding)")
        #expect(finding.reason?.contains(planted.words) == true, "\(finding)")
        #expect(finding.steps.count > 1 && finding.steps.count <= 16, "\(finding)")
        // What A did, or what became of it.
        #expect(finding.steps.contains { $0.who.hasPrefix("A") || $0.what.hasPrefix("A") }, "\(finding)")
    }

    @Test("nothing of the same driver without a fault", arguments: ["", "--quorum"])
    func innocent(options: String) async throws {
        let findings = try await judge(options, by: Clause.all)
        #expect(findings.count == Clause.all.count)
        for finding in findings where !finding.isGood { Issue.record("\(finding)") }
        let skipped = findings.filter { $0.verdict == .notApplicable }.map(\.clause.id)
        #expect(skipped == [options.isEmpty ? "quorum" : "fences"])
        #expect(findings.allSatisfy { $0.verdict != .pass || $0.steps.isEmpty })
    }

    @Test("has a driver for each fault of the list, and one for none")
    func list() async throws {
        let child = try await ChildProcess.start(
            "python3", [Self.driver, "--help"],
            environment: ProcessInfo.processInfo.environment.merging(["LAB_REDIS": ""]) { $1 })
        #expect(await child.waitUntilExit() == .exited(0))
        let help = child.lines().joined()
        let known = help.split(separator: "{")[1].split(separator: "}")[0].split(separator: ",")
        #expect(Set(known.map(String.init)) == Set(Self.planted.map(\.fault) + ["none"]))
    }
}
