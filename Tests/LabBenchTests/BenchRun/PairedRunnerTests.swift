import BenchModel
import BenchStatistics
import LockStrategies
import Testing

@testable import BenchRun

@Suite("A comparison of two servers that goes on until it knows enough")
struct PairedRunnerTests {
    @Test("finds the widest interval over its strategies, and leaves the negative control out of it")
    func widest() throws {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic,setnx-spin", rounds: 4)
        let trials = RunResultsTests.trials(plan)
        #expect(trials.contains { $0.planned.strategy.isNegativeControl })
        var finished = PairedRunner.Finished()
        (finished.base, finished.new) = (trials, trials)
        #expect(finished.rounds == 4)
        // The same trials on both sides: nothing is left open.
        #expect(try #require(finished.widest(looks: 3)).width < 1e-9)
        // Two rounds of one side are too few to judge anything.
        finished.new.removeAll { $0.planned.block > 2 }
        #expect(finished.widest(looks: 3) == nil)
    }
}
