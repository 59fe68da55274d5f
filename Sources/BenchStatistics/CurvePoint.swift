package import Histogram

/// One point of a distribution: so large a share lies at or below so many microseconds.
package struct CurvePoint: Sendable, Codable, Equatable {
    package var share: Double
    package var us: Double

    package init(share: Double, us: Double) {
        self.share = share
        self.us = us
    }

    private static let shares = [
        0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.98, 0.99,
        0.9925, 0.995, 0.9975, 0.999, 0.9995, 0.9999,
    ]

    /// The points of a histogram, as far as ten values lie beyond a share.
    package static func all(_ histogram: Histogram<UInt64>) -> [CurvePoint] {
        shares.compactMap { share in
            // Near 0 too, ten values must lie on either side.
            guard Double(histogram.totalCount) * share >= Percentile.beyond,
                let value = Percentile.of(histogram, share)
            else { return nil }
            return CurvePoint(share: share, us: value)
        }
    }
}
