import Foundation

/// How many times a figure of the base trials its figure in the new trials is: e to the mean difference of
/// the logarithms, so the ratio of geometric means. A trial that is three times as long weighs as much as one
/// that is three times as short.
///
/// Estimate, interval and p are of this one quantity. Paired trials, those of one round, are compared round
/// by round, so what the machine did to a whole round cancels out. Without pairs it is Welch's estimate,
/// which asks for neither equal numbers nor equal spreads. Both take the logarithms as normal
/// (docs/MEASURING.md has what happens when they are not).
package struct LogRatio: Sendable, Equatable {
    /// When the trials were looked at once. Whoever looks several times, and goes on as long as he likes,
    /// gets wider intervals: each look has its share of the 5 % (Bonferroni).
    static func confidence(looks: Int) -> Double { 1 - 0.05 / Double(max(looks, 1)) }

    /// Two trials say next to nothing about how far trials reach.
    package static let leastTrials = 3

    /// Mean difference of the logarithms, new less base.
    let mean: Double
    /// Standard error of the mean.
    let error: Double
    /// Of freedom, of the error.
    let degrees: Double

    /// - Parameter isPaired: The values at one place of both are of one round.
    /// - Returns: Nil where a value is not above zero, or there are fewer than three trials of one side.
    package init?(base: [Double], new: [Double], isPaired: Bool) {
        guard min(base.count, new.count) >= Self.leastTrials,
            (base + new).allSatisfy({ $0 > 0 && $0.isFinite })
        else { return nil }
        let (before, after) = (base.map { log($0) }, new.map { log($0) })
        if isPaired, base.count == new.count {
            let differences = Moments(zip(before, after).map { $1 - $0 })
            (mean, error) = (differences.mean, differences.varianceOfMean.squareRoot())
            degrees = Double(base.count - 1)
        } else {
            let (one, other) = (Moments(before), Moments(after))
            mean = other.mean - one.mean
            let variance = one.varianceOfMean + other.varianceOfMean
            error = variance.squareRoot()
            // Welch and Satterthwaite.
            let squares =
                one.varianceOfMean * one.varianceOfMean / Double(before.count - 1)
                + other.varianceOfMean * other.varianceOfMean / Double(after.count - 1)
            degrees = squares > 0 ? variance * variance / squares : Double(before.count + after.count - 2)
        }
    }

    package var ratio: Double { exp(mean) }

    /// Where the ratio lies with this confidence.
    package func interval(confidence: Double = confidence(looks: 1)) -> RatioInterval {
        let reach = StudentT.limit(tails: 1 - confidence, degrees: degrees) * error
        return RatioInterval(low: exp(mean - reach), high: exp(mean + reach))
    }

    /// The chance of a mean at least so far from 0 when nothing differs.
    var p: Double {
        if error > 0 { return StudentT.twoSidedP(mean / error, degrees: degrees) }
        return mean == 0 ? 1 : 0
    }

    /// The ratio, above 1, that trials like these tell from 1 in 80 of 100 cases at this level.
    ///
    /// - Parameter alpha: Chance of a false alarm that one comparison may have.
    func detectable(alpha: Double) -> Double {
        let reach =
            StudentT.limit(tails: alpha, degrees: degrees) + StudentT.limit(tails: 0.4, degrees: degrees)
        return exp(reach * error)
    }

    /// Mean, and variance of the mean.
    private struct Moments {
        let mean: Double
        let varianceOfMean: Double

        init(_ values: [Double]) {
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            self.mean = mean
            varianceOfMean = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count
        }
    }
}

/// Two ratios, or two figures, between which another one lies.
package struct RatioInterval: Sendable, Equatable, Codable {
    package let low: Double
    package let high: Double

    package init(low: Double, high: Double) {
        (self.low, self.high) = (low, high)
    }
}
