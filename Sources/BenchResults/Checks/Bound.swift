/// What a measured value must be.
package enum Bound: Sendable, Equatable {
    case atMost(Double)
    case atLeast(Double)
    case within(ClosedRange<Double>)

    package static func exactly(_ value: Int) -> Bound { .within(Double(value)...Double(value)) }

    package static func within(_ range: ClosedRange<Int>) -> Bound {
        .within(Double(range.lowerBound)...Double(range.upperBound))
    }

    package func holds(_ value: Double) -> Bool {
        switch self {
        case .atMost(let most): value <= most
        case .atLeast(let least): value >= least
        case .within(let range): range.contains(value)
        }
    }

    /// How far a value went towards the limit: 0 not at all, 1 just at it, more beyond it.
    package func strain(_ value: Double) -> Double {
        let strain =
            switch self {
            case .atMost(let most): most > 0 ? max(value, 0) / most : value <= most ? 0 : Self.most
            case .atLeast(let least): value > 0 ? max(least, 0) / value : value >= least ? 0 : Self.most
            case .within(let range): strain(value, within: range)
            }
        return min(strain, Self.most)
    }

    /// Where no number would say it better: JSON has no infinity.
    private static let most = 1e9

    private func strain(_ value: Double, within range: ClosedRange<Double>) -> Double {
        let half = (range.upperBound - range.lowerBound) / 2
        let away = abs(value - range.lowerBound - half)
        return half > 0 ? away / half : away == 0 ? 0 : Self.most
    }
}
