package import Histogram

/// The histograms that all times of a measurement go into, in microseconds.
package enum TimeHistogram {
    /// Ten minutes; what took longer counts as this.
    package static let longest: UInt64 = 600_000_000

    /// Three significant digits; also used for small counts.
    package static func empty() -> Histogram<UInt64> {
        Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
    }
}
