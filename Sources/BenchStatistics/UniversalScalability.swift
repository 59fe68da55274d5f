package import BenchModel
import Foundation

/// Gunther's universal scalability law: throughput over users, X(N) = λN / (1 + σ(N - 1) + κN(N - 1)). σ is
/// what is serialised, κ what users cost one another.
package struct UniversalScalability: Sendable, Codable, Equatable {
    /// One measured load.
    package struct Load: Sendable, Equatable {
        package let users: Double
        package let perSecond: Double

        package init(users: Double, perSecond: Double) {
            self.users = users
            self.perSecond = perSecond
        }
    }

    /// A value of the fitted curve.
    package struct Point: Sendable, Codable, Equatable {
        package var users: Double
        package var perSecond: Double

        package init(users: Double, perSecond: Double) {
            self.users = users
            self.perSecond = perSecond
        }
    }

    /// Fewer loads fit any curve.
    package static let leastLoads = 6

    /// λ: of one user alone.
    package var perUser: Double
    /// σ
    package var contention: Double
    /// κ
    package var coherency: Double
    /// Where the curve is highest; null: nowhere, it only rises.
    @OrNull package var bestUsers: Double?
    /// Measured minus fitted, as a share of the measured, in the order of the loads.
    package var residuals: [Double]
    package var curve: [Point]
    /// The least and the greatest σ and κ of the fits that leave one load out: a parameter that hangs on a
    /// single load shows here. Nil in results of before, and where leaving one out leaves too few.
    package var contentionReach: RatioInterval?
    package var coherencyReach: RatioInterval?

    /// The fit with the least squares of relative errors, σ and κ not below zero.
    ///
    /// - Returns: nil with fewer than six different loads, or when something was not measured.
    package init?(_ loads: [Load]) {
        self.init(fitting: loads)
        let others = loads.indices.compactMap { left in
            Self(fitting: loads.enumerated().filter { $0.offset != left }.map(\.element))
        }
        guard others.count == loads.count else { return }
        func reach(_ part: (Self) -> Double) -> RatioInterval? {
            Spread(others.map(part)).map { RatioInterval(low: $0.min, high: $0.max) }
        }
        (contentionReach, coherencyReach) = (reach(\.contention), reach(\.coherency))
    }

    private init?(fitting loads: [Load]) {
        guard Set(loads.map(\.users)).count >= Self.leastLoads,
            loads.allSatisfy({ $0.perSecond > 0 && $0.users >= 1 })
        else { return nil }
        // N/X is linear in 1/λ, σ/λ and κ/λ; times X/N each equation is a relative error.
        let fits = [[0, 1, 2], [0, 1], [0, 2], [0]].compactMap { Self.solve(loads, using: $0) }
        let fit = fits.filter { $0.allSatisfy { $0 >= 0 } && $0[0] > 0 }.min {
            Self.error(loads, $0) < Self.error(loads, $1)
        }
        guard let fit else { return nil }
        perUser = 1 / fit[0]
        contention = fit[1] / fit[0]
        coherency = fit[2] / fit[0]
        bestUsers = fit[2] > 0 && contention < 1 ? ((1 - contention) / coherency).squareRoot() : nil
        residuals = loads.map { 1 - $0.users / Self.row($0.users, fit) / $0.perSecond }
        let most = loads.map(\.users).max() ?? 1
        let steps = 24
        curve = (0...steps).map { step in
            // Even on a logarithmic axis.
            var users = 1.0
            if most > 1 { users = Self.power(most, Double(step) / Double(steps)) }
            return Point(users: Self.short(users), perSecond: Self.short(users / Self.row(users, fit)))
        }
    }

    private static func terms(_ users: Double) -> [Double] { [1, users - 1, users * (users - 1)] }

    private static func row(_ users: Double, _ fit: [Double]) -> Double {
        zip(terms(users), fit).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func error(_ loads: [Load], _ fit: [Double]) -> Double {
        loads.reduce(0) { sum, load in
            let error = 1 - load.perSecond / load.users * row(load.users, fit)
            return sum + error * error
        }
    }

    /// The normal equations of the chosen terms, by Gauss and Jordan; the other terms are 0.
    private static func solve(_ loads: [Load], using chosen: [Int]) -> [Double]? {
        let count = chosen.count
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: count + 1), count: count)
        for load in loads {
            let weighted = terms(load.users).map { $0 * load.perSecond / load.users }
            for (row, first) in chosen.enumerated() {
                for (column, second) in chosen.enumerated() {
                    matrix[row][column] += weighted[first] * weighted[second]
                }
                matrix[row][count] += weighted[first]
            }
        }
        for column in 0..<count {
            guard let pivot = (column..<count).max(by: { abs(matrix[$0][column]) < abs(matrix[$1][column]) }),
                abs(matrix[pivot][column]) > 1e-12
            else { return nil }
            matrix.swapAt(column, pivot)
            for row in 0..<count where row != column {
                let factor = matrix[row][column] / matrix[column][column]
                for place in column...count { matrix[row][place] -= factor * matrix[column][place] }
            }
        }
        var fit = [0.0, 0, 0]
        for (row, term) in chosen.enumerated() { fit[term] = matrix[row][count] / matrix[row][row] }
        return fit
    }

    /// Three decimals: more would only make the picture's file longer.
    private static func short(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    private static func power(_ base: Double, _ exponent: Double) -> Double { exp(log(base) * exponent) }
}
