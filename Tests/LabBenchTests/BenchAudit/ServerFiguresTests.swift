import Foundation
import LabProcesses
import Testing

@testable import BenchAudit
@testable import BenchRun

@Suite("What a server counts of itself")
struct ServerFiguresTests {
    private static let page = """
        lab_build_info{version="0.3.0",build="release",strategy="redlock"} 1
        # HELP lab_purchases_total Purchases by how they ended.
        # TYPE lab_purchases_total counter
        lab_purchases_total{strategy="redlock",outcome="purchased"} 7
        lab_purchases_total{strategy="redlock",outcome="repeated"} 1
        lab_purchases_total{strategy="redlock",outcome="sold-out"} 4
        lab_purchases_total{strategy="redlock",outcome="contended"} 2
        lab_purchases_total{strategy="redlock",outcome="error"} 3
        lab_event_loop_lag_seconds_bucket{le="+Inf"} 20
        lab_event_loop_lag_seconds_sum 0.05
        lab_event_loop_lag_seconds_count 20
        """

    @Test("is read off its page for Prometheus")
    func parsing() throws {
        let figures = try #require(ServerFigures(parsing: Self.page))
        #expect(figures.build == "release" && figures.since(ServerFigures()).build == "release")
        #expect(ServerFigures(parsing: Self.page.replacing(",build=", with: ",rebuild="))?.build == nil)
        #expect(figures.sold == 8)
        #expect(figures.refused == 6)
        #expect(figures.meanLagMs == 2.5)
        #expect(ServerFigures(parsing: "up 1\n") == nil)
        #expect(ServerFigures().meanLagMs == nil)
    }

    @Test("of two servers are added, and their mean lag is that of all timers")
    func sum() throws {
        let figures = try #require(ServerFigures(parsing: Self.page))
        let idle = try #require(
            ServerFigures(
                parsing: Self.page.replacing("} 7", with: "} 1").replacing("_sum 0.05", with: "_sum 0.15")))
        let both = figures.adding(idle)
        #expect(both.sold == 10 && both.refused == 12 && both.meanLagMs == 5)
    }

    @Test("has the most memory that a process had beside it, as Linux says it")
    func memory() {
        #expect(ProcessMemory.peakBytes(in: "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n") == 2_097_152)
        #expect(ProcessMemory.peakBytes(in: "Name:\tx\n") == nil)
        #expect(
            ProcessMemory.peakBytes(ProcessInfo.processInfo.processIdentifier).map { $0 > 1_000_000 } == true)
        #expect(ProcessMemory.peakBytes(-1) == nil)
    }

    @Test("is counted from one look to the next")
    func difference() throws {
        let earlier = try #require(ServerFigures(parsing: Self.page))
        let later = try #require(
            ServerFigures(
                parsing: Self.page.replacing("\"purchased\"} 7", with: "\"purchased\"} 107")
                    .replacing("_sum 0.05", with: "_sum 0.15").replacing("_count 20", with: "_count 30")))
        #expect(later.since(earlier).sold == 100)
        #expect(later.since(earlier).refused == 0)
        #expect(abs((later.since(earlier).meanLagMs ?? 0) - 10) < 1e-9)
    }
}
