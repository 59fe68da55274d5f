import BenchModel
import BenchResults
import Foundation
import Testing

@Suite("The schema of faults.json", .serialized, .timeLimit(.minutes(10)))
struct FaultSchemaTests {
    private func complaints(_ document: Data) async throws -> [String] {
        try await SchemaJudge.complaints(document, schema: "faults")
    }

    @Test("describes a run with every judgement, and its figures that are not known")
    func whole() async throws {
        var results = FaultFixture.results()
        results.cells.append(FaultFixture.cell("mine", "slow-holder", theory: .unknown))
        #expect(Set(results.cells.map(\.judgement)) == Set(FaultCell.Judgement.allCases))
        #expect(Set(results.cells.map(\.expected)) == Set(FaultExpectation.allCases))
        #expect(Set(results.cells.map(\.level)) == Set(FaultLevel.allCases))
        #expect(try await complaints(try results.json()) == [])
        let unknown = FaultCell.Figures(
            purchases: 0, unknown: 0, refusedByLedger: nil, beforePerSecond: 0, duringPerSecond: 0,
            afterPerSecond: 0, availability: nil, recoveryMs: nil, p99BeforeMs: nil, p99DuringMs: nil,
            lostMsPerPurchase: nil)
        let empty = FaultFixture.results([
            FaultFixture.cell("fenced", "none", shown: FaultFixture.shown(figures: unknown))
        ])
        #expect(try await complaints(try empty.json()) == [])
    }

    @Test("describes a run of several servers, and how long nobody was sold anything")
    func servers() async throws {
        let results = FaultFixture.ofTwoServers()
        #expect(try await complaints(try results.json()) == [])
        #expect(try FaultResults.decode(try results.json()) == results)
        let text = String(decoding: try results.json(), as: UTF8.self)
        let wrong = text.replacing(#""servers":2"#, with: #""servers":1"#)
        try #require(wrong != text)
        #expect(try await complaints(Data(wrong.utf8)) != [])
    }

    @Test("describes a run that did not come to its end", arguments: FaultResults.Run.Status.allCases)
    func unfinished(status: FaultResults.Run.Status) async throws {
        var results = FaultFixture.results([], status: status, notRun: 3)
        results.run.gitCommit = nil
        #expect(try await complaints(try results.json()) == [])
    }

    @Test("reads results of the version before, which lacked words and no field")
    func older() throws {
        let text = String(decoding: try FaultFixture.results().json(), as: UTF8.self)
        #expect(text.contains(#""schema":"1.2""#))
        let older = try FaultResults.decode(
            Data(text.replacing(#""schema":"1.2""#, with: #""schema":"1.0""#).utf8))
        #expect(older.schema == "1.0" && older.cells == FaultFixture.results().cells)
    }

    @Test("what is written reads back as the same results")
    func roundTrip() throws {
        let results = FaultFixture.results()
        #expect(try FaultResults.decode(try results.json()) == results)
    }

    @Test(
        "refuses another major version, a word that it does not know, a missing or unknown field, and NaN",
        arguments: [
            (#""schema":"1.2""#, #""schema":"2.0""#), (#""judgement":"not-shown""#, #""judgement":"fine""#),
            (#""verdict":"unknown""#, #""verdict":"perhaps""#), (#""fence":null,"#, ""),
            (#""not_run":0"#, #""not_run":0,"extra":1"#), (#""not_run":0"#, #""not_run":-1"#),
            (#""availability":null"#, #""availability":NaN"#), (#""status":"complete""#, #""status":null"#),
        ])
    func invalid(from: String, to: String) async throws {
        let text = String(decoding: try FaultFixture.results().json(), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        try #require(changed != text)
        #expect(try await complaints(Data(changed.utf8)) != [])
    }
}
