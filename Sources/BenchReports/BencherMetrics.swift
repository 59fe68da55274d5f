package import BenchResults
import BenchStatistics
package import Foundation

/// Bencher.dev's metric format: benchmark, measure, value and bounds.
package enum BencherMetrics {
    package static func json(_ results: RunResults) throws -> Data {
        var benchmarks: [String: [String: [String: Double]]] = [:]
        for strategy in results.strategies where strategy.isRanked || !strategy.isViolated {
            var measures: [String: [String: Double]] = [:]
            if let rate = strategy.purchasesPerSecond {
                measures["throughput"] = [
                    "value": rate.median, "lower_value": rate.min, "upper_value": rate.max,
                ]
            }
            // Bencher counts latency in nanoseconds.
            if let p95 = strategy.latencyUs.p95 { measures["latency"] = ["value": p95 * 1000] }
            if let p95 = strategy.open?.responseUs.p95 { measures["response-p95"] = ["value": p95 * 1000] }
            benchmarks["purchase/\(strategy.id)"] = measures
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(benchmarks) + Data("\n".utf8)
    }
}
