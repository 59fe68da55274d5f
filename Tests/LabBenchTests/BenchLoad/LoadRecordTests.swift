import BenchModel
import Histogram
import NIOCore
import Testing

@testable import BenchLoad

@Suite("What a load records")
struct LoadRecordTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func at(_ milliseconds: Int64) -> NIODeadline { Self.start + .milliseconds(milliseconds) }

    /// 100 ms of warm-up, 1 s of measurement, two users.
    private func record() -> LoadRecord {
        LoadRecord(
            schedule: LoadSchedule(
                start: Self.start, warmup: .milliseconds(100), duration: .seconds(1), drain: .seconds(1)),
            users: 2)
    }

    @Test(
        "counts all answers, and measures those that were sent inside the window",
        arguments: [
            (sent: 0 as Int64, done: 500 as Int64, isMeasured: false),
            (99, 1000, false), (100, 101, true), (1099, 1500, true), (1100, 1101, false),
        ])
    func window(sent: Int64, done: Int64, isMeasured: Bool) {
        var record = record()
        record.add(
            user: 0, LoadRecord.closedTimes(at(sent)), done: at(done), outcome: .success,
            timing: ServerTiming())
        #expect(record.total(.success) == 1)
        #expect(record.measured(.success) == (isMeasured ? 1 : 0))
        #expect(record.userSuccesses == [isMeasured ? 1 : 0, 0])
    }

    @Test("keeps the latency of each outcome apart")
    func outcomes() {
        var record = record()
        record.add(
            user: 0, LoadRecord.closedTimes(at(100)), done: at(150), outcome: .success, timing: ServerTiming()
        )
        record.add(
            user: 1, LoadRecord.closedTimes(at(100)), done: at(101), outcome: .contended,
            timing: ServerTiming())
        #expect(record.latency[BuyerOutcome.success.index].maxRecorded >= 50_000)
        #expect(record.latency[BuyerOutcome.contended.index].maxRecorded < 1_010)
        #expect(record.successShare == 0.5)
    }

    @Test("is busy all the time when every user always waits for an answer")
    func busy() {
        var record = record()
        for user in 0..<2 {
            // What goes on beyond the end of the window stands for what began before its start.
            for start in stride(from: Int64(-150), to: 1_850, by: 500) {
                record.add(
                    user: user, LoadRecord.closedTimes(at(start)), done: at(start + 500), outcome: .success,
                    timing: ServerTiming())
            }
        }
        #expect(record.busyShare == 1)
        #expect(record.edgeShare == 0)
    }

    @Test(
        "knows what the edges of the window add to Little's law",
        arguments: [
            // A stall as the window ends, one as it begins, one of the whole window, and none.
            (starts: [100, 600, 1000] as [Int64], end: 1_500 as Int64, share: 1.4, edges: 0.4),
            ([0, 400, 700], 1_100, 0.7, -0.3), ([0], 1_300, 0, -1), ([50, 100, 400, 1_100], 1_200, 1, 0),
        ])
    func edges(starts: [Int64], end: Int64, share: Double, edges: Double) {
        var record = record()
        for user in 0..<2 {
            for (start, done) in zip(starts, starts.dropFirst() + [end]) {
                record.add(
                    user: user, LoadRecord.closedTimes(at(start)), done: at(done), outcome: .success,
                    timing: ServerTiming())
            }
        }
        #expect(abs(record.busyShare - share) < 1e-9 && abs(record.edgeShare - edges) < 1e-9)
    }

    @Test("takes no user's idleness for an edge")
    func idleAtTheEnd() {
        var record = record()
        for (start, done) in [(100, 1_600), (1_600, 1_700)] as [(Int64, Int64)] {
            record.add(
                user: 0, LoadRecord.closedTimes(at(start)), done: at(done), outcome: .success,
                timing: ServerTiming())
        }
        #expect(record.busyShare == 0.75 && record.edgeShare == 0.25)
    }

    @Test("shows the share of the time in which a user did nothing")
    func idle() {
        var record = record()
        record.add(
            user: 0, LoadRecord.closedTimes(at(100)), done: at(1100), outcome: .success,
            timing: ServerTiming())
        record.add(
            user: 1, LoadRecord.closedTimes(at(100)), done: at(600), outcome: .success, timing: ServerTiming()
        )
        #expect(record.busyShare == 0.75)
    }

    @Test("has a step for each quarter of a second")
    func slices() {
        var record = record()
        record.add(
            user: 0, LoadRecord.closedTimes(at(0)), done: at(249), outcome: .success, timing: ServerTiming())
        record.add(
            user: 0, LoadRecord.closedTimes(at(249)), done: at(750), outcome: .contended,
            timing: ServerTiming())
        record.add(
            user: 0, LoadRecord.closedTimes(at(750)), done: at(760), outcome: .unavailable,
            timing: ServerTiming())
        #expect(record.series.steps.count == 4)
        #expect(record.series.steps[0].successes == 1)
        #expect(record.series.steps[3].refusals == 1)
        #expect(record.series.steps[3].errors == 1)
        #expect(record.series.steps[3].slowestMicroseconds == 501_000)
    }
}

@Suite("A purchase's outcome")
struct PurchaseOutcomeTests {
    @Test(
        "follows from status and problem",
        arguments: [
            (200, "", BuyerOutcome.success),
            (400, #"{"type":"/problems/sold-out"}"#, .soldOut),
            (400, #"{"type":"\/problems\/sold-out"}"#, .soldOut),
            (400, #"{"type":"/problems/oversell-refused"}"#, .oversellRefused),
            (400, "{}", .other), (409, "", .contended), (503, "", .unavailable), (500, "", .other),
            (404, "", .other), (401, "", .other),
        ])
    func classified(status: Int, problem: String, outcome: BuyerOutcome) {
        #expect(BuyerOutcome(status: status, problem: problem) == outcome)
    }

    @Test("has a place of its own in arrays")
    func places() {
        #expect(BuyerOutcome.allCases.map(\.index) == Array(0..<BuyerOutcome.allCases.count))
    }
}

@Suite("The Server-Timing header")
struct ServerTimingTests {
    @Test("is read whole")
    func whole() {
        let timing = ServerTiming(
            parsing:
                #"wait;dur=0.125, hold;dur=1.5, redis;dur=0.4, sql;dur=2, attempts;desc="3", commands;desc="12""#
        )
        #expect(timing.waitMicroseconds == 125)
        #expect(timing.holdMicroseconds == 1500)
        #expect(timing.redisMicroseconds == 400)
        #expect(timing.sqlMicroseconds == 2000)
        #expect(timing.attempts == 3)
        #expect(timing.commands == 12)
    }

    @Test(
        "may lack anything and hold anything",
        arguments: [
            "", ",;=", "wait", "wait;dur", "wait;dur=", "wait;dur=-1", "wait;dur=nan", "wait;dur=1e300",
            "attempts;desc=\"many\"", "cache;dur=1", "wait;desc=\"1\"",
        ])
    func odd(text: String) {
        #expect(ServerTiming(parsing: text) == ServerTiming())
    }
}
