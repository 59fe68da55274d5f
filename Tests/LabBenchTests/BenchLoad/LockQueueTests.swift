import BenchModel
import Foundation
import Histogram
import NIOCore
import Testing

@testable import BenchLoad
@testable import BenchStatistics

/// A shop whose law is known: one lock, held for an exponential time, and given to whoever came last as often
/// as to somebody by chance, so that some buyers starve. Time is simulated; line and record are the real
/// ones.
private struct LockQueue {
    static let users = 100
    private static let hold = 5e6

    private var chance: Chance
    private var line: LoadLine
    private(set) var record: LoadRecord
    private var underWay: [RequestTimes?]
    private var waiting: [Int] = []
    private var holder: (user: Int, until: NIODeadline)?

    init(_ plan: LoadPlan, seed: UInt64) {
        chance = Chance(seed: seed)
        let schedule = plan.schedule(from: .uptimeNanoseconds(1_000_000_000))
        line = LoadLine(schedule: schedule, arrivals: plan.arrivals)
        record = LoadRecord(schedule: schedule, users: Self.users, isOpen: plan.arrivals != nil)
        underWay = [RequestTimes?](repeating: nil, count: Self.users)
    }

    mutating func run() -> LoadRecord {
        for user in 0..<Self.users { free(user, at: line.schedule.start) }
        while true {
            let arrival = line.nextArrival
            if let holder, arrival.map({ holder.until < $0 }) ?? true {
                finish(holder.user, at: holder.until)
            } else if let arrival {
                for turn in line.arrive(until: arrival) {
                    begin(turn.user, RequestTimes(intended: turn.intended, sent: arrival), at: arrival)
                }
            } else {
                record.openAccount = line.isOpen ? line.account : nil
                return record
            }
        }
    }

    private mutating func free(_ user: Int, at now: NIODeadline) {
        guard let intended = line.free(user, at: now) else { return }
        begin(user, RequestTimes(intended: intended, sent: now), at: now)
    }

    private mutating func begin(_ user: Int, _ times: RequestTimes, at now: NIODeadline) {
        underWay[user] = times
        waiting.append(user)
        if holder == nil { grant(at: now) }
    }

    private mutating func grant(at now: NIODeadline) {
        holder = nil
        guard !waiting.isEmpty else { return }
        let place = chance.uniform() < 0.5 ? waiting.count - 1 : chance.below(waiting.count)
        waiting.swapAt(place, waiting.count - 1)
        let user = waiting.removeLast()
        holder = (user, now + .nanoseconds(Int64(Self.hold * chance.exponential()) + 1))
    }

    private mutating func finish(_ user: Int, at now: NIODeadline) {
        if let times = underWay[user] {
            record.add(user: user, times, done: now, outcome: .success, timing: ServerTiming())
        }
        underWay[user] = nil
        grant(at: now)
        free(user, at: now)
    }
}

@Suite("A shop of known law")
struct LockQueueTests {
    private static func plan(_ seconds: Int, drain: Duration, rate: Double? = nil, seed: UInt64) -> LoadPlan {
        let (warmup, duration) = (Duration.seconds(5), Duration.seconds(seconds))
        let arrivals = rate.map {
            ArrivalSchedule(
                .poisson, ratePerSecond: $0, length: warmup + duration, tail: drain, seed: seed)
        }
        return LoadPlan(warmup: warmup, duration: duration, drain: drain, arrivals: arrivals)
    }

    /// What lies below the p99 of the law: one run that is so long that its ends do not matter.
    private static func law(rate: Double?) -> Histogram<UInt64> {
        var queue = LockQueue(plan(3_000, drain: .seconds(60), rate: rate, seed: 77), seed: 77)
        return queue.run().response(.success)
    }

    private static func measured(
        rate: Double?, drain: Duration, trials: Int = 250
    ) -> (times: Histogram<UInt64>, records: [LoadRecord]) {
        let records = (1...UInt64(trials)).map { seed in
            var queue = LockQueue(plan(3, drain: drain, rate: rate, seed: seed), seed: seed + 1_000)
            return queue.run()
        }
        return (LoadRecord.merged(records) { $0.response(.success) }, records)
    }

    @Test(
        "is described within 2 % at its mean and its p99 by trials of three seconds, closed and open",
        arguments: [nil, 170.0])
    func law(rate: Double?) throws {
        let law = Self.law(rate: rate)
        let (found, records) = Self.measured(rate: rate, drain: .seconds(60))
        let p99 = try #require(Percentile.of(found, 0.99)) / #require(Percentile.of(law, 0.99))
        #expect(abs(p99 - 1) < 0.02, "p99: \(p99)")
        #expect(abs(found.mean / law.mean - 1) < 0.02, "mean: \(found.mean / law.mean)")
        guard rate == nil else { return }
        // Little's law holds on average, and in each trial without what the edges of its window add.
        let shares = records.map(\.busyShare)
        let mean = shares.reduce(0, +) / Double(shares.count)
        #expect(abs(mean - 1) < 0.01, "\(mean)")
        let far = records.count { abs($0.busyShare - $0.edgeShare - 1) > 1e-9 }
        #expect(far == 0, "\(far)")
    }

    @Test("looks better than it is when the load ends with the window: the control")
    func control() throws {
        let law = Self.law(rate: nil)
        let (found, records) = Self.measured(rate: nil, drain: .zero)
        let p99 = try #require(Percentile.of(found, 0.99)) / #require(Percentile.of(law, 0.99))
        #expect(p99 < 0.95, "p99: \(p99)")
        let mean = records.reduce(0) { $0 + $1.busyShare } / Double(records.count)
        #expect(mean < 0.99, "\(mean)")
    }
}
