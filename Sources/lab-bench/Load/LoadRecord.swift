import Histogram
import NIOCore

/// Everything that a load has seen: a pure value, filled by the generator, read by audit and report.
struct LoadRecord: Sendable {
    /// One step of the time series.
    struct Slice: Sendable, Equatable {
        var successes = 0
        var refusals = 0
        var errors = 0
        var slowestMicroseconds: UInt64 = 0
    }

    static let sliceLength = TimeAmount.milliseconds(250)

    private(set) var schedule: LoadSchedule
    let users: Int
    /// All answers from the first to the last, warm-up and drain included: what the audit counts.
    private(set) var totals = [Int](repeating: 0, count: PurchaseOutcome.allCases.count)
    /// Service time in microseconds of the measured requests, for each outcome.
    private(set) var latency = PurchaseOutcome.allCases.map { _ in LoadRecord.histogram() }
    /// Of the measured successes.
    private(set) var wait = LoadRecord.histogram()
    private(set) var hold = LoadRecord.histogram()
    private(set) var redis = LoadRecord.histogram()
    private(set) var sql = LoadRecord.histogram()
    private(set) var attempts = LoadRecord.histogram()
    private(set) var commands = LoadRecord.histogram()
    private(set) var userSuccesses: [Int]
    /// From the start on, warm-up and drain included.
    private(set) var slices: [Slice] = []
    /// Σ of the requests' time inside the measured window.
    private(set) var busy = TimeAmount.zero
    /// Connections that were made again because the server had closed them.
    var reconnections = 0

    init(schedule: LoadSchedule, users: Int) {
        self.schedule = schedule
        self.users = users
        userSuccesses = [Int](repeating: 0, count: users)
    }

    /// Sets the clock going, before the first request. Apart from `init`, whose memory takes a while.
    mutating func begin(_ schedule: LoadSchedule) { self.schedule = schedule }

    /// Microseconds up to ten minutes with three significant digits; also used for small counts.
    static func histogram() -> Histogram<UInt64> {
        Histogram<UInt64>(highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: .three)
    }

    mutating func add(
        user: Int, sent: NIODeadline, done: NIODeadline, outcome: PurchaseOutcome, timing: ServerTiming
    ) {
        totals[outcome.index] += 1
        busy = busy + schedule.busy(sent: sent, done: done)
        let microseconds = UInt64(max((done - sent).nanoseconds, 0) + 500) / 1000
        addToSlice(outcome, at: done, microseconds)
        guard schedule.isMeasured(sent: sent) else { return }
        latency[outcome.index].record(min(microseconds, 600_000_000))
        guard outcome == .success else { return }
        userSuccesses[user] += 1
        if let value = timing.waitMicroseconds { wait.record(min(value, 600_000_000)) }
        if let value = timing.holdMicroseconds { hold.record(min(value, 600_000_000)) }
        if let value = timing.redisMicroseconds { redis.record(min(value, 600_000_000)) }
        if let value = timing.sqlMicroseconds { sql.record(min(value, 600_000_000)) }
        if let value = timing.attempts { attempts.record(min(value, 600_000_000)) }
        if let value = timing.commands { commands.record(min(value, 600_000_000)) }
    }

    private mutating func addToSlice(
        _ outcome: PurchaseOutcome, at done: NIODeadline, _ microseconds: UInt64
    ) {
        let index = Int(max((done - schedule.start).nanoseconds, 0) / Self.sliceLength.nanoseconds)
        while slices.count <= index { slices.append(Slice()) }
        switch outcome {
        case .success: slices[index].successes += 1
        case .soldOut, .oversellRefused, .contended: slices[index].refusals += 1
        case .unavailable, .other, .transportError: slices[index].errors += 1
        }
        slices[index].slowestMicroseconds = max(slices[index].slowestMicroseconds, microseconds)
    }

    /// All answers with this outcome, warm-up and drain included.
    func total(_ outcome: PurchaseOutcome) -> Int { totals[outcome.index] }

    /// Requests sent in the measured window that ended with this outcome.
    func measured(_ outcome: PurchaseOutcome) -> Int { Int(latency[outcome.index].totalCount) }

    var measuredRequests: Int { latency.reduce(0) { $0 + Int($1.totalCount) } }

    var duration: TimeAmount { schedule.measureUntil - schedule.measureFrom }

    /// X·R/N of Little's law over exactly the measured window: 1 when every user always had one request
    /// under way.
    var busyShare: Double {
        Double(busy.nanoseconds) / (Double(users) * Double(duration.nanoseconds))
    }

    /// Rate of the last whole step; p99 and errors of the whole load so far.
    func progress(share: Double) -> LoadProgress {
        let last = slices.dropLast().last ?? slices.last
        let success = latency[PurchaseOutcome.success.index]
        let errors = PurchaseOutcome.allCases
            .filter { $0 == .unavailable || $0 == .other || $0 == .transportError }
            .reduce(0) { $0 + total($1) }
        return LoadProgress(
            share: share,
            successesPerSecond: Double(last?.successes ?? 0) * 1e9 / Double(Self.sliceLength.nanoseconds),
            p99Microseconds: success.totalCount > 0 ? Double(success.valueAtPercentile(99)) : nil,
            errors: errors)
    }
}
