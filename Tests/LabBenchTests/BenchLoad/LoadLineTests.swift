import BenchModel
import Foundation
import NIOCore
import Testing

@testable import BenchLoad

@Suite("The line of a load")
struct LoadLineTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func at(_ milliseconds: Int64) -> NIODeadline { Self.start + .milliseconds(milliseconds) }

    /// One arrival each 100 ms for a second.
    private func open() -> LoadLine {
        LoadLine(
            schedule: LoadSchedule(
                start: Self.start, warmup: .zero, duration: .seconds(1), drain: .seconds(1)),
            arrivals: ArrivalSchedule(.constant, ratePerSecond: 10, length: .seconds(1), seed: 1))
    }

    @Test("gives an arrival to the user that is free longest")
    func order() {
        var line = open()
        for user in [2, 0, 1] { _ = line.free(user, at: Self.start - .milliseconds(1)) }
        #expect(line.arrive(until: at(100)).map(\.user) == [2, 0])
        #expect(line.arrive(until: at(200)).map(\.user) == [1])
        #expect(line.arrive(until: at(300)).isEmpty)
        #expect(line.waiting == 1)
    }

    @Test("keeps the intended start of an arrival that waits for a user")
    func waits() {
        var line = open()
        #expect(line.arrive(until: at(250)).isEmpty)
        #expect(line.free(7, at: at(250)) == Self.start)
        #expect(line.free(7, at: at(260)) == at(100))
        #expect(line.free(7, at: at(270)) == at(200))
        #expect(line.free(7, at: at(280)) == nil)
        #expect(line.arrive(until: at(300)) == [LoadLine.Turn(user: 7, intended: at(300))])
    }

    private static func closed() -> LoadLine {
        LoadLine(
            schedule: LoadSchedule(
                start: start, warmup: .seconds(1), duration: .seconds(1), drain: .seconds(3)), arrivals: nil)
    }

    @Test("goes on with a closed load until what was measured is answered, and no longer")
    func tail() {
        var line = Self.closed()
        // The first user's purchase of the warm-up is not measured.
        #expect(line.free(0, at: at(900)) == at(900))
        #expect(line.free(1, at: at(1_900)) == at(1_900))
        #expect(line.free(0, at: at(2_100)) == at(2_100))
        #expect(!line.isOver(at: at(2_200)))
        #expect(line.free(0, at: at(2_300)) == at(2_300))
        #expect(line.free(1, at: at(2_500)) == nil)
        #expect(line.isOver(at: at(2_500)))
        #expect(line.free(0, at: at(2_600)) == nil)
    }

    @Test("gives up on a measured purchase that has no answer, and on one whose connection is lost")
    func tailEnds() {
        var line = Self.closed()
        _ = line.free(0, at: at(1_500))
        _ = line.free(1, at: at(1_500))
        #expect(line.free(1, at: at(4_900)) == at(4_900))
        #expect(line.free(1, at: at(5_000)) == nil)
        #expect(line.isOver(at: at(5_000)))
        line = Self.closed()
        _ = line.free(0, at: at(1_500))
        line.lost(0)
        #expect(line.isOver(at: at(2_000)))
    }

    @Test("goes on with the arrivals of an open load, which count for nothing, as long as it has to")
    func openTail() {
        let schedule = LoadSchedule(
            start: Self.start, warmup: .zero, duration: .seconds(1), drain: .seconds(3))
        var line = LoadLine(
            schedule: schedule,
            arrivals: ArrivalSchedule(
                .constant, ratePerSecond: 2, length: .seconds(1), tail: .seconds(3), seed: 1))
        for user in 0..<3 { _ = line.free(user, at: Self.start) }
        #expect(line.arrive(until: at(500)).map(\.user) == [0, 1])
        #expect(line.free(0, at: at(600)) == nil)
        #expect(line.arrive(until: at(1_000)).map(\.user) == [2])
        #expect(line.nextArrival == at(1_500))
        #expect(line.free(1, at: at(1_200)) == nil)
        #expect(line.nextArrival == nil && line.isOver(at: at(1_200)))
        #expect(line.account == LoadLine.Account(offered: 2, sentInWindow: 2, unsent: 0))
    }

    @Test("gives nothing to a user whose connection is lost")
    func lost() {
        var line = open()
        _ = line.free(0, at: Self.start)
        _ = line.free(1, at: Self.start)
        line.lost(0)
        #expect(line.arrive(until: Self.start).map(\.user) == [1])
    }

    @Test("sends what waits after the window, until the drain is over, and counts the rest as unsent")
    func account() {
        var line = open()
        #expect(line.arrive(until: at(999)).isEmpty)
        for step in 0..<4 { _ = line.free(0, at: at(Int64(step) * 100)) }
        #expect(line.free(0, at: at(1500)) != nil)
        #expect(line.free(0, at: at(2000)) == nil)
        #expect(line.account == LoadLine.Account(offered: 10, sentInWindow: 4, unsent: 5))
        #expect(!line.account.isSustained)
        #expect(!line.isOver(at: at(1999)))
    }

    @Test("sends at once in a closed load, to the end of the window")
    func closed() {
        var line = LoadLine(
            schedule: LoadSchedule(
                start: Self.start, warmup: .zero, duration: .seconds(1), drain: .seconds(1)),
            arrivals: nil)
        #expect(line.free(0, at: at(999)) == at(999))
        #expect(line.free(0, at: at(1000)) == nil)
        #expect(line.nextArrival == nil)
        #expect(line.isOver(at: at(1000)))
    }
}

@Suite("A schedule of arrivals")
struct ArrivalScheduleTests {
    @Test("has equal distances when it is constant")
    func constant() {
        let schedule = ArrivalSchedule(.constant, ratePerSecond: 4, length: .seconds(1), seed: 1)
        #expect(schedule.offsets == [0, 250_000_000, 500_000_000, 750_000_000])
    }

    @Test("has the asked rate and as much spread as mean when it is Poisson")
    func poisson() {
        let schedule = ArrivalSchedule(.poisson, ratePerSecond: 1000, length: .seconds(100), seed: 3)
        #expect(schedule.offsets.count == 100_000)
        let gaps = zip(schedule.offsets, schedule.offsets.dropFirst()).map { Double($1 - $0) }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(variance.squareRoot() / mean - 1) < 0.02)
    }

    @Test("asks warm-up, window and tail for the number that the rate says, whatever the seed")
    func counted() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let schedule = ArrivalSchedule(
                .poisson, ratePerSecond: 30, warmup: .seconds(2), length: .seconds(10), tail: .seconds(1),
                seed: seed)
            #expect(schedule.offsets.count { $0 < 2_000_000_000 } == 60)
            #expect(schedule.offsets.count == 300)
            #expect(schedule.count == 330)
            #expect(zip(schedule.offsets, schedule.offsets.dropFirst()).allSatisfy { $0 <= $1 })
            #expect(schedule.offsets.allSatisfy { $0 < 10_000_000_000 })
            #expect((300..<330).allSatisfy { (10_000_000_000..<11_000_000_000).contains(schedule[$0]) })
        }
    }

    @Test("is the same for the same seed, and comes back the same from its file")
    func seeded() throws {
        func schedule(_ seed: UInt64) -> ArrivalSchedule {
            ArrivalSchedule(.poisson, ratePerSecond: 50, length: .seconds(2), seed: seed)
        }
        #expect(schedule(1) == schedule(1))
        #expect(schedule(1) != schedule(2))
        let read = try ArrivalSchedule(json: schedule(1).json())
        #expect(read.offsets == schedule(1).offsets)
        #expect(read.model == .poisson && read.ratePerSecond == 50 && read.seed == 1)
        // It may be replayed with another warm-up: its window has no number that is known.
        #expect(!read.isCounted)
    }

    @Test(
        "refuses a file that is none, of another version, or out of order",
        arguments: [
            "", "{}",
            #"{"schema_version":"2.0","model":"poisson","rate_per_second":1,"seed":1,"offsets_ns":[0]}"#,
            #"{"schema_version":"1.0","model":"poisson","rate_per_second":1,"seed":1,"offsets_ns":[5,4]}"#,
            #"{"schema_version":"1.0","model":"poisson","rate_per_second":1,"seed":1,"offsets_ns":[]}"#,
            #"{"schema_version":"1.0","model":"closed","rate_per_second":1,"seed":1,"offsets_ns":[0]}"#,
        ])
    func refused(text: String) {
        #expect(throws: BenchError.self) { _ = try ArrivalSchedule(json: Data(text.utf8)) }
    }
}
