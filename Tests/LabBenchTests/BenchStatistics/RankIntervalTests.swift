import BenchModel
import BenchStatistics
import Histogram
import Testing

@Suite("The interval of a percentile by its ranks")
struct RankIntervalTests {
    /// Tables of order statistics (Conover, Practical Nonparametric Statistics) for the median; binomial sums
    /// else.
    @Test(
        "has the ranks of the tables",
        arguments: [(20, 0.5, 6...15), (10, 0.5, 2...9), (100, 0.5, 40...61), (1000, 0.99, 983...997)])
    func tables(count: Int, share: Double, ranks: ClosedRange<Int>) {
        #expect(RankInterval.ranks(count: count, share: share) == ranks)
    }

    @Test(
        "leaves at most half of the risk on either side, and no rank to spare",
        arguments: [200, 3_000, 50_000])
    func tight(count: Int) throws {
        for share in [0.5, 0.9, 0.95] {
            let ranks = try #require(RankInterval.ranks(count: count, share: share))
            // Normal approximation of both ends, good to a few ranks at these sizes.
            let deviation = (Double(count) * share * (1 - share)).squareRoot()
            let (low, high) = (
                Double(count) * share - 1.96 * deviation, Double(count) * share + 1.96 * deviation
            )
            #expect(abs(Double(ranks.lowerBound) - low) < 4 && abs(Double(ranks.upperBound) - high) < 4)
        }
    }

    @Test("holds the true percentile in about 95 of 100 samples")
    func coverage() throws {
        var generator = SplitMix64(seed: 11)
        var held = 0
        for _ in 0..<400 {
            var histogram = TimeHistogram.empty()
            for _ in 0..<500 { histogram.record(UInt64.random(in: 1...100_000, using: &generator)) }
            let interval = try #require(RankInterval(histogram, 0.9))
            if (interval.low...interval.high).contains(90_000) { held += 1 }
        }
        // 95 % of 400 and four standard errors.
        #expect(held >= 362)
        #expect(held < 400)
    }

    @Test("is nowhere where the percentile says nothing, or the sample ends before it does")
    func none() {
        var histogram = TimeHistogram.empty()
        for value in 1...199 { histogram.record(UInt64(value)) }
        #expect(RankInterval(histogram, 0.95) == nil)
        #expect(RankInterval.ranks(count: 5, share: 0.5) == nil)
        #expect(RankInterval.ranks(count: 0, share: 0.5) == nil)
        histogram.record(200)
        #expect(RankInterval(histogram, 0.95) != nil)
        #expect(Percentiles(histogram).intervals?.p95 != nil)
        #expect(Percentiles(TimeHistogram.empty()).intervals == nil)
    }

}
