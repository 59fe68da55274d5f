package import BenchModel
package import BenchStatistics
package import Histogram
package import NIOCore

/// Everything that a load has seen: a pure value, filled by the generator, read by audit and report. Its size
/// does not grow with the number of requests.
package struct LoadRecord: Sendable {
    package static let sliceLength = TimeAmount.milliseconds(250)

    package private(set) var schedule: LoadSchedule
    package let users: Int
    /// All answers from the first to the last, warm-up and drain included: what the audit counts.
    package private(set) var totals = [Int](repeating: 0, count: BuyerOutcome.allCases.count)
    /// Service time in microseconds of the measured requests, for each outcome.
    package private(set) var latency = BuyerOutcome.allCases.map { _ in TimeHistogram.empty() }
    /// Response time of the measured requests, from the intended start, for each outcome; nil in a closed
    /// load, in which it is the service time.
    private var responses: [Histogram<UInt64>]?
    /// What the measured successes report of themselves.
    package private(set) var wait = TimeHistogram.empty()
    package private(set) var hold = TimeHistogram.empty()
    package private(set) var redis = TimeHistogram.empty()
    package private(set) var sql = TimeHistogram.empty()
    package private(set) var attempts = TimeHistogram.empty()
    package private(set) var commands = TimeHistogram.empty()
    /// Σ over all successes, warm-up and drain included.
    package private(set) var reportedCommands: UInt64 = 0
    package private(set) var userSuccesses: [Int]
    /// From the start on, warm-up and drain included.
    package private(set) var series = LoadSeries()
    /// How long the measured requests took from their intended start, in nanoseconds, of whatever kind and
    /// outcome: a user of a closed load whose next request the generator has not sent yet is not idle.
    private var times = 0.0
    /// Of that, what lies after the window's end, less what earlier requests did in the window.
    private var edges = 0.0
    /// Response and service time so far of measured purchases that had no answer when the load was given up.
    package private(set) var unansweredResponse = TimeHistogram.empty()
    package private(set) var unansweredService = TimeHistogram.empty()
    /// Successes that were answered inside the measured window, whenever they were sent.
    private(set) var answeredInWindow = 0
    /// From the first request to the last answer.
    private(set) var lastAnswer: NIODeadline
    package private(set) var samples: SampleReservoir
    /// How the generator itself did.
    package private(set) var generator = GeneratorRecord()
    /// What an open load asked for; nil in a closed one.
    package var openAccount: LoadLine.Account?
    /// Tally of each product, in the order of the trial's products.
    package private(set) var products: [ProductTally]
    /// Nil in the purchase scenario.
    package private(set) var journey: JourneyRecord?
    /// Connections that were made again because the server had closed them.
    package var reconnections = 0

    package init(
        schedule: LoadSchedule, users: Int, isOpen: Bool = false, products: Int = 1,
        scenario: Scenario = .purchase, seed: UInt64 = 1
    ) {
        self.schedule = schedule
        self.users = users
        userSuccesses = [Int](repeating: 0, count: users)
        responses = isOpen ? BuyerOutcome.allCases.map { _ in TimeHistogram.empty() } : nil
        samples = SampleReservoir(seed: seed)
        self.products = [ProductTally](repeating: ProductTally(), count: products)
        journey = scenario == .journey ? JourneyRecord() : nil
        lastAnswer = schedule.start
    }

    /// Sets the clock going, before the first request. Apart from `init`, whose memory takes a while.
    package mutating func begin(_ schedule: LoadSchedule) {
        self.schedule = schedule
        lastAnswer = schedule.start
    }

    /// The window begins later. Nothing is measured yet.
    mutating func postpone(by time: TimeAmount) { schedule = schedule.postponed(by: time) }

    package static func microseconds(_ time: TimeAmount) -> UInt64 {
        min(UInt64(max(time.nanoseconds, 0) + 500) / 1000, TimeHistogram.longest)
    }
}

extension LoadRecord {
    package mutating func add(
        user: Int, product: Int = 0, _ times: RequestTimes, done: NIODeadline, outcome: BuyerOutcome,
        timing: ServerTiming
    ) {
        totals[outcome.index] += 1
        products[product].add(outcome, timing)
        journey?.add(
            .buy, times, done: done, isGood: outcome == .success, isUnknown: outcome.isUnknown,
            isMeasured: schedule.isMeasured(sent: times.intended))
        lastAnswer = max(lastAnswer, done)
        let service = Self.microseconds(done - times.sent)
        let response = Self.microseconds(done - times.intended)
        series.add(outcome, at: done - schedule.start, microseconds: response)
        if outcome == .success {
            reportedCommands += timing.commands ?? 0
            if schedule.isInWindow(done) { answeredInWindow += 1 }
        }
        addTime(times, done: done)
        guard schedule.isMeasured(sent: times.intended) else { return }
        latency[outcome.index].record(service)
        responses?[outcome.index].record(response)
        samples.add(
            Sample(
                user: user, product: product, intended: times.intended - schedule.start,
                sent: times.sent - schedule.start,
                done: done - schedule.start, outcome: outcome, timing: timing))
        guard outcome == .success else { return }
        userSuccesses[user] += 1
        addEvidence(timing)
    }

    /// A purchase has no answer, and none is waited for any more. It counts as one whose answer was lost,
    /// too.
    mutating func addUnanswered(_ times: RequestTimes, at now: NIODeadline) {
        guard schedule.isMeasured(sent: times.intended) else { return }
        unansweredResponse.record(Self.microseconds(now - times.intended))
        unansweredService.record(Self.microseconds(now - times.sent))
    }

    /// Counts for Little's law: the whole time of a measured request, and what any request did across an edge
    /// of the window.
    private mutating func addTime(_ times: RequestTimes, done: NIODeadline) {
        if schedule.isMeasured(sent: times.intended) {
            self.times += Double((done - times.intended).nanoseconds)
            edges += Double(max((done - schedule.measureUntil).nanoseconds, 0))
        } else if times.intended < schedule.measureFrom, done > schedule.measureFrom {
            edges -= Double((min(done, schedule.measureUntil) - schedule.measureFrom).nanoseconds)
        }
    }

    private mutating func addEvidence(_ timing: ServerTiming) {
        if let value = timing.waitMicroseconds { wait.record(min(value, TimeHistogram.longest)) }
        if let value = timing.holdMicroseconds { hold.record(min(value, TimeHistogram.longest)) }
        if let value = timing.redisMicroseconds { redis.record(min(value, TimeHistogram.longest)) }
        if let value = timing.sqlMicroseconds { sql.record(min(value, TimeHistogram.longest)) }
        if let value = timing.attempts { attempts.record(min(value, TimeHistogram.longest)) }
        if let value = timing.commands { commands.record(min(value, TimeHistogram.longest)) }
    }

    /// A request of a journey, the purchase left out, was answered, or never will be.
    package mutating func add(
        _ step: JourneyStep, _ times: RequestTimes, done: NIODeadline, isGood: Bool, isUnknown: Bool
    ) {
        lastAnswer = max(lastAnswer, done)
        addTime(times, done: done)
        journey?.add(
            step, times, done: done, isGood: isGood, isUnknown: isUnknown,
            isMeasured: schedule.isMeasured(sent: times.intended))
    }

    /// A journey is over.
    mutating func addVisit(began: NIODeadline, done: NIODeadline, isWhole: Bool) {
        guard schedule.isMeasured(sent: began) else { return }
        journey?.addVisit(began: began, done: done, isWhole: isWhole)
    }

    /// A history did not show what was bought right before.
    mutating func addMissingPurchase() { journey?.addMissing() }

    /// An arrival of an open load was noticed.
    mutating func addArrival(due: NIODeadline, seen: NIODeadline) {
        generator.addArrival(
            due: due - schedule.start, seen: seen - schedule.start,
            isMeasured: schedule.isMeasured(sent: due))
    }

    mutating func addBeat(_ beat: LoopPulse.Beat?) {
        guard let beat else { return }
        generator.add(
            at: beat.at - schedule.start, late: beat.late, still: beat.still,
            isMeasured: schedule.isInWindow(beat.at))
    }

    /// An answer that is read now had to wait for others of the same turn of the loop.
    mutating func addQueue(_ length: TimeAmount, at now: NIODeadline) {
        if schedule.isInWindow(now) { generator.addQueue(length) }
    }

    /// A user that is free in a closed load waits for nothing, so both times are the same there.
    static func closedTimes(_ sent: NIODeadline) -> RequestTimes { RequestTimes(intended: sent, sent: sent) }
}

extension LoadRecord {
    /// Response time of each outcome.
    package func response(_ outcome: BuyerOutcome) -> Histogram<UInt64> {
        responses?[outcome.index] ?? latency[outcome.index]
    }

    /// All answers with this outcome, warm-up and drain included.
    package func total(_ outcome: BuyerOutcome) -> Int { totals[outcome.index] }

    /// Requests meant for the measured window that ended with this outcome.
    package func measured(_ outcome: BuyerOutcome) -> Int { Int(latency[outcome.index].totalCount) }

    var measuredRequests: Int { latency.reduce(0) { $0 + Int($1.totalCount) } }

    package var duration: TimeAmount { schedule.measureUntil - schedule.measureFrom }

    /// X·R/N of Little's law: rate and mean time of the measured requests, those that began in the window. 1
    /// when every user always had one request under way, and the load went on until they were answered: what
    /// the last ones bring beyond the window's end is what the first ones lack at its start.
    package var busyShare: Double {
        times / (Double(users) * Double(duration.nanoseconds))
    }

    /// What the edges of the window add to ``busyShare``: a server that stands still while the window ends
    /// makes it more than 1, and one that stands still while it begins makes it less. The difference of the
    /// two is the share of the window in which a user had a request under way.
    package var edgeShare: Double {
        edges / (Double(users) * Double(duration.nanoseconds))
    }

    /// Rate of the last whole step; p99 and errors of the whole load so far.
    package func progress(share: Double) -> LoadProgress {
        let success = response(.success)
        let errors = BuyerOutcome.allCases
            .filter { $0 == .unavailable || $0 == .other || $0 == .transportError }
            .reduce(journey?.errors ?? 0) { $0 + total($1) }
        let steps = series.rates(last: 24)
        return LoadProgress(
            share: share, successesPerSecond: steps.last ?? 0,
            p99Microseconds: success.totalCount > 0 ? Double(success.valueAtPercentile(99)) : nil,
            errors: errors, recentRates: steps)
    }
}

extension LoadRecord {
    /// From the first request to the last answer.
    package var wallSeconds: Double { Double((lastAnswer - schedule.start).nanoseconds) / 1e9 }

    /// The measured window, in seconds from the start of the load.
    package var window: ClosedRange<Double> {
        let from = Double((schedule.measureFrom - schedule.start).nanoseconds) / 1e9
        return from...(from + Double(duration.nanoseconds) / 1e9)
    }

    /// How the second half of the window went against the first one.
    package var drift: Drift? {
        let step = Double(Self.sliceLength.nanoseconds) / 1e9
        let steps = series.steps.map { Double($0.successes) }
        let first = Int((window.lowerBound / step - 1e-6).rounded(.up))
        let last = min(Int(window.upperBound / step + 1e-6), steps.count)
        return first < last ? Drift(Array(steps[first..<last])) : nil
    }
}
