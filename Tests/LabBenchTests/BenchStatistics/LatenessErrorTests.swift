import BenchStatistics
import Foundation
import Histogram
import NIOCore
import Testing

@testable import BenchLoad

@Suite("What the lateness of a tool adds to a figure")
struct LatenessErrorTests {
    private static func histogram(_ values: [Double]) -> Histogram<UInt64> {
        var histogram = TimeHistogram.empty()
        for value in values { histogram.record(UInt64(max(value, 0))) }
        return histogram
    }

    private static func exponential(mean: Double, count: Int = 20_000) -> [Double] {
        // Evenly spread ranks: no chance.
        (0..<count).map { -mean * log(1 - (Double($0) + 0.5) / Double(count)) }
    }

    private static func error(_ found: LatenessError, _ name: String) -> Double? {
        found.figures.first { $0.name == name }?.error
    }

    @Test("is the lateness itself when that is always the same")
    func constant() throws {
        let found = LatenessError(
            Self.histogram(Self.exponential(mean: 10_000)),
            lateness: [Self.histogram([Double](repeating: 500, count: 100))])
        for name in ["mean", "p50", "p90", "p95", "p99"] {
            let error = try #require(Self.error(found, name))
            // Three significant digits of a p99 of 46 ms.
            #expect(abs(error - 500) <= 60, "\(name) \(error)")
        }
    }

    @Test("adds parts up, and leaves every figure alone where nothing is late")
    func parts() throws {
        let times = Self.histogram(Self.exponential(mean: 10_000))
        let part = Self.histogram([Double](repeating: 250, count: 100))
        let both = try #require(Self.error(LatenessError(times, lateness: [part, part]), "mean"))
        #expect(abs(both - 500) < 10)
        #expect(LatenessError(times, lateness: []).figures.allSatisfy { $0.error == 0 })
        #expect(LatenessError(TimeHistogram.empty(), lateness: [part]).figures.isEmpty)
    }

    @Test("finds what a lateness did to a known law: true times of 10 ms on average, measured late")
    func known() throws {
        // Independent: every true time meets every lateness.
        let late = Self.exponential(mean: 500, count: 100)
        let measured = Self.exponential(mean: 10_000, count: 2000).flatMap { time in late.map { time + $0 } }
        let found = LatenessError(Self.histogram(measured), lateness: [Self.histogram(late)])
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            let figure = try #require(found.figures.first { $0.name == name })
            let truth = -10_000 * log(1 - share)
            let done = figure.value - truth
            #expect(abs(figure.error - done) < 120, "\(name): said \(figure.error), did \(done)")
        }
    }

    @Test("says nothing of a percentile that the report does not show")
    func few() {
        let found = LatenessError(
            Self.histogram([Double](repeating: 1000, count: 50)), lateness: [Self.histogram([5])])
        #expect(found.figures.map(\.name) == ["mean", "p50"])
    }
}

@Suite("The pulse of a loop")
struct LoopPulseTests {
    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(1_000 + milliseconds) * 1_000_000)
    }

    @Test("is late, and stood still, when nothing ran")
    func still() {
        var pulse = LoopPulse(expectedAt: Self.at(0))
        _ = pulse.beat(at: Self.at(0))
        let beat = pulse.beat(at: Self.at(505))
        #expect(beat == .init(at: Self.at(505), late: .milliseconds(500), still: .milliseconds(500)))
        #expect(pulse.expectedAt == Self.at(510))
    }

    @Test("is late, but did not stand still, when the loop worked")
    func busy() {
        var pulse = LoopPulse(expectedAt: Self.at(0))
        for moment in stride(from: Int64(0), through: 100, by: 2) { pulse.ran(at: Self.at(moment)) }
        let beat = pulse.turn(at: Self.at(101))
        #expect(beat?.late == .milliseconds(101))
        #expect(beat?.still == .milliseconds(1))
    }

    @Test("counts a beat once, at the first event of the turn that comes to it")
    func once() {
        var pulse = LoopPulse(expectedAt: Self.at(5))
        #expect(pulse.turn(at: Self.at(4)) == nil)
        #expect(pulse.turn(at: Self.at(6))?.late == .milliseconds(1))
        #expect(pulse.turn(at: Self.at(7)) == nil)
        #expect(pulse.beat(at: Self.at(8)) == nil)
        #expect(pulse.expectedAt == Self.at(13))
        #expect(pulse.beat(at: Self.at(13))?.late == .zero)
    }
}
