import BenchModel
import Foundation
import Histogram
import Testing

@testable import BenchRun
@testable import BenchStatistics

@Suite("Statistics")
struct StatisticsTests {
    private func histogram(_ count: Int) -> Histogram<UInt64> {
        var histogram = TimeHistogram.empty()
        for value in 0..<count { histogram.record(UInt64(value)) }
        return histogram
    }

    @Test(
        "A percentile is given only when ten values lie beyond it",
        arguments: [
            (0.5, 20), (0.9, 100), (0.95, 200), (0.99, 1_000), (0.999, 10_000),
        ])
    func percentiles(share: Double, count: Int) {
        #expect(Percentile.of(histogram(count), share) != nil)
        #expect(Percentile.of(histogram(count - 1), share) == nil)
    }

    @Test("Jain's index is 1 for equal shares and 1/n when one has all")
    func jain() {
        #expect(Fairness.jain([5, 5, 5, 5]) == 1)
        #expect(Fairness.jain([8, 0, 0, 0]) == 0.25)
        #expect(Fairness.jain([0, 0]) == nil)
        #expect(Fairness.jain([]) == nil)
    }

    @Test("A spread has the middle and both ends, and is separated only without overlap")
    func spread() throws {
        let low = try #require(Spread([3, 1, 2]))
        #expect(low.median == 2)
        #expect(low.min == 1)
        #expect(low.max == 3)
        #expect(Spread([1, 4])?.median == 2.5)
        #expect(Spread([]) == nil)
        #expect(!low.isSeparated(from: try #require(Spread([3, 5]))))
        #expect(low.isSeparated(from: try #require(Spread([3.1, 5]))))
    }

    @Test("A missing number is null in JSON, and so is one that is no number")
    func nulls() throws {
        struct Numbers: Codable, Sendable {
            @OrNull var a: Double?
            @OrNull var b: Double?
            @OrNull var c: Int?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = try encoder.encode(Numbers(a: nil, b: .nan, c: 3))
        #expect(String(decoding: json, as: UTF8.self) == #"{"a":null,"b":null,"c":3}"#)
    }

    @Test(
        "Numbers are short for people",
        arguments: [
            (0.0, "0"), (0.1234, "0.123"), (1.5, "1.5"), (12.34, "12.3"), (1234.5, "1,235"),
            (-1_000_000, "-1,000,000"),
            (.nan, "-"), (.infinity, "-"),
        ])
    func numbers(value: Double, text: String) {
        #expect(Text.number(value) == text)
    }

    @Test("A share below all is never shown as all")
    func percent() {
        #expect(Text.percent(1) == "100 %")
        #expect(Text.percent(0.999999) == "> 99.99 %")
        #expect(Text.percent(0.95) == "95.00 %")
        #expect(Text.percent(nil) == "-")
    }

    @Test("Processor time is read after a name with spaces and brackets")
    func processorTime() {
        #expect(ProcessorTime.ticks("7 (a) b) c) S 1 7 7 0 -1 4194304 10 0 0 0 31 11 0 0 20") == 42)
        #expect(ProcessorTime.ticks("garbage") == nil)
    }
}
