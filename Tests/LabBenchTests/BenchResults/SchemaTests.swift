import BenchModel
import BenchResults
import BenchRun
import Foundation
import Testing

@testable import BenchAudit

/// The committed JSON Schema against what is really written.
@Suite("The schema of results.json", .serialized, .timeLimit(.minutes(10)))
struct SchemaTests {
    private func complaints(_ document: Data) async throws -> [String] {
        try await SchemaJudge.complaints(document, schema: "results")
    }

    private static func results() throws -> RunResults {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic,setnx-spin")
        return RunResultsTests.results(
            plan, RunResultsTests.trials(plan), ceilings: RunResultsTests.ceilings)
    }

    @Test("describes a whole run, one of journeys and products, and one interrupted before its first trial")
    func valid() async throws {
        #expect(try await complaints(try Self.results().json()) == [])
        let rich = try RunResultsTests.plan("lua-atomic", rounds: 3, scenario: .journey, products: 3)
        let trials = RunResultsTests.trials(rich) { _, facts in
            facts.notChecked["release-build"] = "out of sight"
        }
        #expect(try await complaints(try RunResultsTests.results(rich, trials).json()) == [])
        let late = RunResultsTests.trials(rich) { planned, facts in
            if planned.order == 2 {
                facts.generator?.lateness = [.init(figure: "p99", valueMs: 10, errorMs: 28)]
            }
        }
        #expect(try await complaints(try RunResultsTests.results(rich, late).json()) == [])
        let swept = try RunPlan(
            RunOptions(sweep: "users", strategies: "lua-atomic", duration: 1), seed: 1)
        #expect(try await complaints(try SweepTests.results(swept).json()) == [])
        let plan = try RunResultsTests.plan("lua-atomic")
        let empty = RunResultsTests.results(plan, [], end: .interrupted)
        #expect(try await complaints(try empty.json()) == [])
    }

    @Test(
        "refuses another major version, a word that it does not know, a missing or unknown field, and NaN",
        arguments: [
            (#""schema_version":"2.9""#, #""schema_version":"3.0""#),
            (#""word":"pass""#, #""word":"fine""#), (#""git_commit":null,"#, ""),
            (#""seed":1"#, #""seed":1,"extra":1"#), (#""seed":1"#, #""seed":"1""#),
            (#""git_commit":null"#, #""git_commit":NaN"#),
        ])
    func invalid(from: String, to: String) async throws {
        let text = String(decoding: try Self.results().json(), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        try #require(changed != text)
        #expect(try await complaints(Data(changed.utf8)) != [])
    }
}
