import Foundation

/// Student's t distribution.
enum StudentT {
    /// The chance that t is at least so far from 0, on either side.
    ///
    /// By the regularised incomplete beta function: P(|T| >= t) = I(ν / (ν + t²); ν/2, 1/2).
    ///
    /// - Parameter degrees: Of freedom, above 0; they need not be a whole number.
    static func twoSidedP(_ t: Double, degrees: Double) -> Double {
        guard t.isFinite, degrees > 0 else { return t.isNaN ? 1 : 0 }
        return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
    }

    /// The value that t exceeds in size with this chance.
    ///
    /// - Parameter tails: Of both sides together, above 0 and below 1.
    static func limit(tails: Double, degrees: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        while twoSidedP(high, degrees: degrees) > tails, high < 1e15 { high *= 2 }
        for _ in 0..<200 where high - low > 1e-12 * high {
            let middle = (low + high) / 2
            if twoSidedP(middle, degrees: degrees) > tails { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// I(x; a, b), by Lentz's continued fraction.
    private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
        // The fraction is quick below its mean; above it the other end is computed.
        guard x < (a + 1) / (a + b + 2) else { return 1 - front * fraction(1 - x, b, a) / b }
        return front * fraction(x, a, b) / a
    }

    private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = 1e-300
        func bounded(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / bounded(1 - (a + b) * x / (a + 1))
        var value = d
        for step in 1...500 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / bounded(1 + even * d)
            c = bounded(1 + even / c)
            value *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / bounded(1 + odd * d)
            c = bounded(1 + odd / c)
            let change = d * c
            value *= change
            if abs(change - 1) < 1e-15 { break }
        }
        return value
    }
}
