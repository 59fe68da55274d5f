import BenchModel
import BenchReports
import BenchResults
import Foundation
import Testing

/// Findings as they could be: every verdict, with and without steps.
enum ConformanceFixture {
    static func results(
        _ verdicts: [ConformanceResults.Finding.Verdict] = ConformanceResults.Finding.Verdict.allCases,
        isInterrupted: Bool = false
    ) -> ConformanceResults {
        let ids = ["late-release", "expiry", "fences", "wall-clock"]
        let steps: [ConformanceResults.Step] = [
            .init(atMs: 1.5, tookMs: 2.25, who: "A", what: "acquire \"a|<b>`\"", result: "granted\nnow"),
            .init(atMs: 9, tookMs: 0, who: "bench", what: "Redis is killed", result: ""),
        ]
        return ConformanceResults(
            run: .init(
                started: Date(timeIntervalSince1970: 1_000), ended: Date(timeIntervalSince1970: 1_060),
                command: "lab-bench conformance --driver mine=COMMAND", gitCommit: nil,
                isInterrupted: isInterrupted),
            env: FaultFixture.environment,
            clauses: ids.map { .init(id: $0, numbers: [5], title: "What \($0) demands.") },
            locks: [
                .init(id: "lua-atomic", kind: .lockFree, summary: "one script", abilities: []),
                .init(
                    id: "setnx-spin", kind: .strategy, summary: "SET NX", abilities: ["extend", "validity"]),
                .init(id: "mine", kind: .driver, summary: "a <lib>|1", abilities: ["own-process"]),
            ],
            findings: zip(ids, verdicts).map { id, verdict in
                .init(
                    lock: "mine", clause: id, verdict: verdict,
                    reason: verdict == .pass ? nil : "A & B both <held> it", tookMs: 12.5,
                    steps: verdict == .fail || verdict == .unknown ? steps : [],
                    command: "lab-bench conformance --driver mine=COMMAND --clauses \(id)")
            })
    }
}

@Suite("The reports of conformance")
struct ConformanceReportTests {
    @Test(
        "end with 4 when a clause failed, else with 5 when one is unknown, else with 0",
        arguments: [
            ([.pass, .fail, .unknown], false, BenchExit.violation),
            ([.pass, .unknown], false, .inconclusive),
            ([.pass, .notApplicable], false, .good), ([.pass], true, .interrupted),
            ([.fail], true, .violation),
        ] as [([ConformanceResults.Finding.Verdict], Bool, BenchExit)])
    func exit(verdicts: [ConformanceResults.Finding.Verdict], isInterrupted: Bool, exit: BenchExit) {
        #expect(ConformanceFixture.results(verdicts, isInterrupted: isInterrupted).exit == exit)
    }

    @Test("hold to the schema, and read back as the same findings")
    func schema() async throws {
        let results = ConformanceFixture.results()
        #expect(try ConformanceResults.decode(try results.json()) == results)
        #expect(try await SchemaJudge.complaints(try results.json(), schema: "conformance") == [])
    }

    @Test(
        "are refused by the schema with a word, a field or a version that it does not know",
        arguments: [
            (#""verdict":"fail""#, #""verdict":"bad""#), (#""kind":"driver""#, #""kind":"other""#),
            (#""schema":"1.0"}"#, #""schema":"2.0"}"#), (#""took_ms":12.5"#, #""took_ms":12.5,"extra":1"#),
            (#""is_interrupted":false,"#, ""), (#""at_ms":1.5"#, #""at_ms":-1"#),
        ])
    func invalid(from: String, to: String) async throws {
        let text = String(decoding: try ConformanceFixture.results().json(), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        try #require(changed != text)
        #expect(try await SchemaJudge.complaints(Data(changed.utf8), schema: "conformance") != [])
    }

    @Test("show a table, each failure with its steps, and one sentence on a terminal")
    func terminal() throws {
        let lines = ConformanceText(ConformanceFixture.results()).lines
        #expect(lines[0].split(separator: " ") == ["setnx-spin", "mine"])
        #expect(lines[1].split(separator: " ") == ["late-release", "-", "pass"])
        #expect(lines[2].split(separator: " ") == ["expiry", "-", "FAIL"])
        #expect(lines.contains("mine, expiry: FAIL: A & B both <held> it"))
        #expect(lines.contains("    9 ms bench: Redis is killed"))
        #expect(lines.contains { $0.hasPrefix("lua-atomic: no lock is taken") })
        #expect(
            lines.last
                == "violation: 2 locks, 4 clauses: 1 pass, 1 fail, 1 unknown, 1 not applicable")
    }

    @Test("show in Markdown what failed, and why what is not applicable")
    func markdown() {
        let text = ConformanceMarkdown(ConformanceFixture.results()).text
        #expect(text.hasPrefix("# Conformance\n\n**violation: 2 locks"))
        #expect(text.contains("| `expiry` | - | **FAIL** |"))
        #expect(text.contains("### `mine`, `expiry`: fail"))
        // A text of a driver stays on its line and in its block.
        #expect(text.contains("1 ms A: acquire \"a|<b>'\" → granted now, after 2 ms"))
        #expect(text.contains(#"| `mine` | `fences` | A \& B both \<held\> it |"#))
        #expect(!text.contains("`lua-atomic`, `"))
    }

    @Test("fail in JUnit what failed or is unknown, and skip what is not applicable")
    func junit() throws {
        let text = ConformanceJUnit(ConformanceFixture.results()).text
        #expect(text.contains(#"<testsuites name="lab-bench" tests="4" failures="2" skipped="1">"#))
        #expect(text.contains(#"<testcase classname="mine" name="late-release"/>"#))
        #expect(text.contains(#"<failure message="unknown: A &amp; B both &lt;held&gt; it"#))
        #expect(text.contains("<skipped message=\"A &amp; B") && text.hasSuffix("</testsuites>\n"))
    }
}
