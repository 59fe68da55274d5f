import BenchModel
import BenchStatistics
package import Histogram
import NIOCore

extension LoadRecord {
    package var purchasesPerSecond: Double {
        let count = openAccount == nil ? measured(.success) : answeredInWindow
        return Double(count) * 1e9 / Double(duration.nanoseconds)
    }

    package var successShare: Double? {
        measuredRequests > 0 ? Double(measured(.success)) / Double(measuredRequests) : nil
    }

    /// Σ of hold times by wall time, of the product whose lock was held longest.
    package var heldShare: Double? {
        guard wallSeconds > 0 else { return nil }
        return Double(products.map(\.heldMicroseconds).max() ?? 0) / 1e6 / wallSeconds
    }

    /// Over all records together; nil without requests.
    package static func successShare(_ records: [LoadRecord]) -> Double? {
        let requests = records.reduce(0) { $0 + $1.measuredRequests }
        let successes = records.reduce(0) { $0 + $1.measured(.success) }
        return requests > 0 ? Double(successes) / Double(requests) : nil
    }

    /// Histograms are merged; percentiles are never averaged.
    package static func merged(
        _ records: [LoadRecord], _ part: (LoadRecord) -> Histogram<UInt64>
    ) -> Histogram<UInt64> {
        var sum = TimeHistogram.empty()
        for record in records { sum.add(part(record)) }
        return sum
    }
}
