import BenchResults
import BenchStatistics

@testable import BenchAudit

extension AuditTests {
    /// 1,000 on sale, 600 sold, nothing odd.
    static let clean = AuditFacts(
        initialStock: 1000, answers: .init(success: 600, oversellRefused: 0, unknown: 0),
        ledger: .init(rows: 600, units: 600, duplicates: 0, supplied: 1000, sold: 600),
        redis: .init(stock: 400, openReservations: 0, openUnits: 0, unclearedReservations: 0),
        busyShare: 1, measuredSuccesses: 500, isRelease: true,
        generator: .init(
            processorShare: 0.5, isAlone: true, meanMs: 10, processorMs: 0.1,
            lateness: [.init(figure: "p99", valueMs: 20, errorMs: 1)], stillShare: 0.001, sockets: 100,
            socketLimit: 1024),
        arrivals: .init(
            statistic: 0.7, gapsDistance: 0.4, displaced: 0.01, count: 2_400, asked: 2_400,
            askedReach: 1, toleranceMs: 1),
        drift: Drift([Double](repeating: 10, count: 40)),
        commands: .init(seen: 2000, reported: 1800), sales: .init(counted: 600, least: 600, most: 600),
        server: .init(
            sold: 600, refused: 20, answeredRefused: 20, loopLagMs: 0.1, linesWritten: 2, answered: 620),
        holds: .init(holds: 600, overlaps: 0), heldShare: 0.9, serverEnd: "exit code 0",
        serverEndedWell: true)
}
