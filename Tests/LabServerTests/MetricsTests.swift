import Foundation
import HTTPTypes
import InventoryService
import LockStrategies
import Testing

@testable import LabServerKit

@Suite struct MetricsTests {
    @Test("What reconciliations did is counted; what the newest found is shown; a dry run is not")
    func reconciliations() {
        let counts = ReconcileCounts()
        var report = ReconcileReport(isDryRun: false)
        report.distrusted = true
        var entry = ReconcileReport.Entry(
            product: ProductID(1), supplied: 9, sold: 1, stock: 4, openUnits: 1, drift: -3)
        entry.returned = 2
        entry.problems = ["a lock was not obtained"]
        report.entries = [entry]
        counts.note(report)
        counts.note(ReconcileReport(isDryRun: false))
        counts.note(ReconcileReport(isDryRun: true))
        #expect(
            counts.value
                == .init(runs: 2, returned: 2, distrusted: 1, driftUnits: 0, problems: 0))
        counts.note(report)
        #expect(counts.value.driftUnits == 3 && counts.value.problems == 1)
    }

    /// A line of the text format that is neither HELP nor TYPE.
    private static var sample:
        Regex<(Substring, Substring, Substring?, Substring?, Substring?, Substring, Substring?)>
    {
        /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*)?\})? (\d+(\.\d+)?)$/
    }

    @Test(
        "The page is Prometheus text: every sample has its family, names end in their unit, histograms add up"
    )
    func exposition() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            for _ in 0..<3 { _ = try await client.buy(product) }
            _ = try await client.send(.get, "/nowhere/secret")
            let page = await lab.page()
            #expect(page.hasSuffix("\n"))
            var families: [String: String] = [:]
            var last: (series: String, count: Int)?
            for line in page.split(separator: "\n") {
                if line.hasPrefix("# TYPE ") {
                    let words = line.split(separator: " ").map(String.init)
                    #expect(families.updateValue(words[3], forKey: words[2]) == nil, "\(line)")
                    #expect(words[3] != "counter" || words[2].hasSuffix("_total"))
                    #expect(words[3] != "histogram" || words[2].hasSuffix("_seconds"))
                }
                guard !line.hasPrefix("#") else { continue }
                let match = try #require(line.wholeMatch(of: Self.sample), "\(line)")
                let name = String(match.1)
                let base = name.replacing(/_(bucket|sum|count)$/, with: "")
                #expect(families[name] != nil || families[base] == "histogram", "\(line)")
                // Buckets of one series only grow.
                guard name.hasSuffix("_bucket") else { continue }
                let series = name + line.replacing(/\ble="[^"]*"/, with: "").replacing(/\ \d+$/, with: "")
                let count = Int(match.5) ?? -1
                if let last, last.series == series { #expect(count >= last.count, "\(line)") }
                last = (series, count)
            }
            #expect(page.contains(#"lab_purchases_total{strategy="lua-atomic",outcome="purchased"} 1"#))
            #expect(page.contains(#"lab_purchases_total{strategy="lua-atomic",outcome="sold-out"} 2"#))
            #expect(page.contains(#"lab_purchases_total{strategy="lua-atomic",outcome="error"} 0"#))
            #expect(page.contains(#"lab_ledger_write_seconds_count{strategy="lua-atomic"} 3"#))
            let route = #"http_request_method="POST",http_route="/api/purchases""#
            #expect(
                page.contains(
                    "http_server_request_duration_seconds_count{\(route),http_response_status_code=\"400\"} 2"
                ))
            #expect(page.contains("lab_http_unknown_route_total 1"))
            // A user, a product, a purchase, and the look whether the ledger can be written: each its own
            // commit.
            #expect(page.contains("\nlab_sqlite_rows_total 4\n"))
            #expect(page.contains("\nlab_ledger_queue_length 0\n"))
            #expect(!page.contains("secret"))
        }
    }

    @Test(
        "Seconds are written without rounding",
        arguments: [(0, "0"), (50, "0.00005"), (5000, "0.005"), (1_000_000, "1"), (2_500_001, "2.500001")])
    func seconds(microseconds: Int, text: String) {
        #expect(Exposition.seconds(microseconds) == text)
    }

    @Test("A duration falls into the first bucket that holds it")
    func buckets() {
        let histogram = Histogram(bounds: [100, 200])
        for microseconds in [0, 100, 101, 200, 201, 10_000_000] {
            histogram.observe(.microseconds(microseconds))
        }
        #expect(histogram.reading.cumulative == [2, 4, 6])
        #expect(histogram.reading.sum == 10_000_602)
    }
}
