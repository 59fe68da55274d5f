import BenchModel
import BenchReports
import Foundation
import Histogram
import Testing

@testable import BenchStatistics

@Suite("The interval of a percentile over trials")
struct TrialIntervalTests {
    /// A run of trials that differ by more than chance inside them, as those of a shared machine do.
    private struct Machine {
        var generator: SplitMix64

        /// A standard normal value (Box and Muller).
        private mutating func normal() -> Double {
            let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
            return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
        }

        mutating func run(trials: Int, requests: Int = 1_000, between: Double, within: Double) -> [Histogram<
            UInt64
        >] {
            (0..<trials).map { _ in
                let level = 10_000 * exp(between * normal())
                var histogram = TimeHistogram.empty()
                for _ in 0..<requests { histogram.record(UInt64(level * exp(within * normal()))) }
                return histogram
            }
        }
    }

    private static func merged(_ trials: [Histogram<UInt64>]) -> Percentiles {
        var sum = TimeHistogram.empty()
        for trial in trials { sum.add(trial) }
        return Percentiles(sum)
    }

    @Test(
        "holds the percentile of another run as often as it says, where an interval of ranks does not",
        arguments: [3, 4, 7])
    func covers(trials: Int) throws {
        var machine = Machine(generator: SplitMix64(seed: UInt64(trials)))
        let runs = 700 / trials
        var (held, heldByRanks, p99) = (0, 0, 0)
        for _ in 0..<runs {
            let first = machine.run(trials: trials, between: 0.08, within: 0.3)
            let other = Self.merged(machine.run(trials: trials, between: 0.08, within: 0.3))
            let found = Self.merged(first)
            let intervals = TrialIntervals(around: found, trials: first.map { Percentiles($0) })
            let (p50, tail) = (try #require(intervals.p50), try #require(intervals.p99))
            if (p50.low...p50.high).contains(try #require(other.p50)) { held += 1 }
            if (tail.low...tail.high).contains(try #require(other.p99)) { p99 += 1 }
            let ranks = try #require(found.intervals?.p50)
            if (ranks.low...ranks.high).contains(try #require(other.p50)) { heldByRanks += 1 }
        }
        func share(_ count: Int) -> Double { Double(count) / Double(runs) }
        // Three standard errors of the number of runs that are made here.
        let chance = 3 * (0.95 * 0.05 / Double(runs)).squareRoot()
        #expect(abs(share(held) - 0.95) <= chance, "p50: \(share(held))")
        #expect(abs(share(p99) - 0.95) <= chance + 0.01, "p99: \(share(p99))")
        #expect(share(heldByRanks) < 0.4, "ranks: \(share(heldByRanks))")
    }

    @Test("is nowhere below three trials, and where a trial has no such percentile")
    func few() {
        #expect(TrialInterval(around: 10, trials: [10, 11]) == nil)
        #expect(TrialInterval(around: nil, trials: [10, 11, 12]) == nil)
        #expect(TrialInterval(around: 10, trials: [10, 0, 12]) == nil)
        var short = TimeHistogram.empty()
        for value in 1...100 { short.record(UInt64(value)) }
        let all = [Percentiles](repeating: Percentiles(short), count: 3)
        let intervals = TrialIntervals(around: all[0], trials: all)
        #expect(intervals.p50 != nil && intervals.p99 == nil)
    }

    @Test("is as wide as Student's t says: three trials 10 % apart, by hand")
    func byHand() throws {
        let interval = try #require(TrialInterval(around: 100, trials: [90, 100, 1000.0 / 9]))
        // s = ln(10/9); 4.303 · s · √(2/3) = 0.3702.
        #expect(abs(interval.high - 144.8) < 0.1 && abs(interval.low - 69.06) < 0.1, "\(interval)")
    }

    @Test("stands in brackets behind the percentile")
    func text() {
        let interval = TrialInterval(around: 9_500, trials: [9_000, 9_500, 10_000])
        #expect(Text.milliseconds(9_500, within: interval).hasPrefix("9.5 (7."))
        #expect(Text.milliseconds(5000, within: nil) == "5")
    }
}
