import BenchModel
import BenchResults
import BenchRun
import Foundation
import LabProcesses
import Testing

@testable import BenchAudit

/// The committed JSON Schema against what is really written, judged by a validator that is not ours: python's
/// jsonschema, in the version that `./lab` installs into the build folder.
@Suite("The schema of results.json", .serialized, .timeLimit(.minutes(10)))
struct SchemaTests {
    private static let root: String = {
        var path = #filePath
        for _ in 0..<4 { path = (path as NSString).deletingLastPathComponent }
        return path
    }()

    private static let script = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        def refuse(word): raise ValueError(word)
        document = json.load(open(sys.argv[2]), parse_constant=refuse)
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(document))
        for error in errors[:5]: print(error.json_path, error.message[:300])
        sys.exit(1 if errors else 0)
        """

    /// - Returns: What the validator has against the document; empty when it is valid.
    private func complaints(_ document: Data) async throws -> [String] {
        let lab = try await ChildProcess.start(Self.root + "/lab", ["validator"])
        let status = await lab.waitUntilExit()
        let python = lab.lines(of: .standardOutput).last
        try #require(status.isSuccess, "./lab validator: \(lab.lines().joined(separator: "; "))")
        let directory = try TemporaryDirectory()
        let file = directory.file("results.json")
        try document.write(to: URL(fileURLWithPath: file))
        let schema = Self.root + "/docs/schema/results.schema.json"
        let child = try await ChildProcess.start(try #require(python), ["-c", Self.script, schema, file])
        let end = await child.waitUntilExit()
        directory.remove()
        let lines = child.lines()
        return end.isSuccess ? [] : lines.isEmpty ? ["ended with \(end)"] : lines
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
            (#""schema_version":"2.5""#, #""schema_version":"3.0""#),
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
