import BenchModel
import BenchResults
import Foundation
import Testing

@Suite("The schema of explore.json", .serialized, .timeLimit(.minutes(10)))
struct ExploreSchemaTests {
    private func complaints(_ document: Data) async throws -> [String] {
        try await SchemaJudge.complaints(document, schema: "explore")
    }

    @Test("describes a run with every judgement, with stories and without")
    func whole() async throws {
        let results = ExploreFixture.results()
        #expect(Set(results.cells.map(\.judgement)) == Set(ExploreCell.Judgement.allCases))
        // Theory knows each of them: no driver is simulated.
        #expect(Set(results.cells.map(\.theory)) == Set(FaultExpectation.allCases).subtracting([.unknown]))
        #expect(try await complaints(try results.json()) == [])
    }

    @Test("describes a run through all orders, and one that somebody ended")
    func others() async throws {
        var story = ExploreFixture.story
        (story.order, story.struckMs, story.healedMs) = (.init(.all), nil, nil)
        let cells = [true, false].map {
            ExploreFixture.cell("redlock", "none", order: "all", isComplete: $0, story: story, chance: nil)
        }
        let results = ExploreFixture.results(cells, orders: "all", status: .interrupted, notRun: 4)
        #expect(try await complaints(try results.json()) == [])
    }

    @Test("what is written reads back as the same results, and the same story")
    func roundTrip() throws {
        let results = ExploreFixture.results()
        #expect(try ExploreResults.decode(try results.json()) == results)
        #expect(try ExploreStory.decode(try ExploreFixture.story.json()) == ExploreFixture.story)
    }

    @Test(
        "refuses another major version, a word that it does not know, a missing or unknown field, and NaN",
        arguments: [
            (#""not_run":0,"run""#, #""not_run":0,"extra":1,"run""#),
            (#""judgement":"not-shown""#, #""judgement":"fine""#), (#""rule":"pct""#, #""rule":"best""#),
            (#""lost-wake-up":2"#, #""lost-luggage":2"#), (#""undecided":0,"#, ""),
            (#""cpu_seconds":1.5"#, #""cpu_seconds":NaN"#), (#""times":39"#, #""times":0"#),
            (#""trace":"2bfd4296ed0ac1ec""#, #""trace":"""#),
            (#""schema":"1.0","stage""#, #""schema":"2.0","stage""#),
        ])
    func invalid(from: String, to: String) async throws {
        let text = String(decoding: try ExploreFixture.results().json(), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        try #require(changed != text)
        #expect(try await complaints(Data(changed.utf8)) != [])
    }
}

@Suite("The chance of PCT")
struct PriorityChanceTests {
    private static func measured(_ schedules: [Int]) -> PriorityChance {
        var chance = PriorityChance()
        for (place, count) in schedules.enumerated() {
            for _ in 0..<count {
                chance.add(changes: place, changeSteps: 100, rivals: 10, steps: 120)
            }
        }
        return chance
    }

    @Test("is that of N schedules with d - 1 changes, none of another depth")
    func bound() throws {
        let chance = Self.measured([10, 300, 200])
        let one: Double = 1 - pow(0.9, 10)
        let two: Double = 1 - pow(0.999, 300)
        let three: Double = 1 - pow(0.99999, 200)
        #expect(abs(try #require(chance.atLeast(depth: 1)) - one) < 1e-12)
        #expect(abs(try #require(chance.atLeast(depth: 2)) - two) < 1e-12)
        #expect(abs(try #require(chance.atLeast(depth: 3)) - three) < 1e-12)
        #expect(Self.measured([10, 300, 0]).atLeast(depth: 3) == 0)
        #expect(chance.atLeast(depth: 4) == nil)
    }

    @Test("counts the most tasks and lines, and the most steps, of all parts together")
    func sum() {
        var all = Self.measured([1, 0, 0])
        var other = PriorityChance()
        other.add(changes: 2, changeSteps: 100, rivals: 12, steps: 90)
        all.add(other)
        #expect(all.schedulesByChanges == [1, 0, 1])
        #expect(all.mostRivals == 12 && all.mostSteps == 120 && all.changeSteps == 100)
    }

    @Test("is not known where no schedule was played by priorities")
    func none() {
        #expect(PriorityChance().atLeast(depth: 2) == nil)
        #expect(ExploreCell.Chance(PriorityChance()) == nil)
    }

    @Test("is told in per cent, and as one in many where it is small")
    func words() {
        #expect(Text.chance(0.451) == "45.10 %" && Text.chance(1) == "100 %" && Text.chance(0) == "0.00 %")
        #expect(Text.chance(0.001) == "1 in 1,000" && Text.chance(nil) == "-")
        #expect(Text.chance(1e-300).hasPrefix("1 in "))
    }
}
