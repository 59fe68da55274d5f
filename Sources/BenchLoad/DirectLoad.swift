package import BenchModel
import EventLoopTasks
import NIOCore
import NIOPosix
import Synchronization

/// What one call of the service came to.
package struct DirectAnswer: Sendable, Equatable {
    package var outcome: BuyerOutcome
    package var timing: ServerTiming

    package init(outcome: BuyerOutcome, timing: ServerTiming = ServerTiming()) {
        self.outcome = outcome
        self.timing = timing
    }
}

/// Drives a service in this process: one task for each user of a closed load, one for each arrival of an open
/// load.
///
/// The users are spread over NIO's event loops, as the connections of a server are: a user runs on one loop,
/// so that a reply for it wakes no other thread.
package enum DirectLoad {
    /// - Parameters:
    ///   - progress: Told every 250 ms; finished when the load ends.
    ///   - wishes: Of each user.
    ///   - buy: One purchase of the user with this number, of the product at this place, both from 0.
    /// - Throws: `CancellationError`.
    package static func run(
        _ wishes: [ProductMix.Wishes], _ plan: LoadPlan,
        progress: AsyncStream<LoadProgress>.Continuation,
        buy: @escaping @Sendable (_ user: Int, _ product: Int) async -> DirectAnswer
    ) async throws -> LoadRecord {
        defer { progress.finish() }
        let session = DirectSession(wishes: wishes, plan: plan, progress: progress, buy: buy)
        return try await session.run()
    }
}

/// One load by tasks. What is answered after the drain limit belongs to nobody any more: a strategy that
/// never answers cannot keep the trial from ending.
private final class DirectSession: Sendable {
    private struct UnderWay {
        let times: RequestTimes
        let product: Int
    }

    private struct State {
        var record: LoadRecord
        var line: LoadLine
        /// Each user's purchase that is under way.
        var underWay: [UnderWay?]
        var wishes: [ProductMix.Wishes]
        var pulse = LoopPulse(expectedAt: .now())
        var warmUp: WarmUp
        var isCancelled = false
        var isOver = false

        /// Notes a purchase of the user that begins now.
        mutating func note(_ user: Int, intended: NIODeadline, at now: NIODeadline) {
            underWay[user] = UnderWay(
                times: RequestTimes(intended: intended, sent: now), product: wishes[user].next())
        }
    }

    private let users: Int
    private let plan: LoadPlan
    private let progress: AsyncStream<LoadProgress>.Continuation
    private let buy: @Sendable (Int, Int) async -> DirectAnswer
    private let state: Mutex<State>
    private let eventLoop: any EventLoop
    private let executors: [LoopExecutor]
    private let finished: EventLoopPromise<LoadRecord>
    /// Users that shall begin a purchase which is noted already.
    private let turns: AsyncStream<Int>
    private let beginner: AsyncStream<Int>.Continuation

    init(
        wishes: [ProductMix.Wishes], plan: LoadPlan, progress: AsyncStream<LoadProgress>.Continuation,
        buy: @escaping @Sendable (Int, Int) async -> DirectAnswer
    ) {
        users = wishes.count
        self.plan = plan
        self.progress = progress
        self.buy = buy
        // The clock is set again when everything is ready.
        let schedule = plan.schedule(from: .now())
        let record = LoadRecord(
            schedule: schedule, users: users, isOpen: plan.arrivals != nil, products: plan.products,
            seed: plan.seed)
        let line = LoadLine(schedule: schedule, arrivals: plan.arrivals)
        state = Mutex(
            State(
                record: record, line: line, underWay: Array(repeating: nil, count: users), wishes: wishes,
                warmUp: WarmUp(schedule, isOpen: line.isOpen)))
        executors = MultiThreadedEventLoopGroup.singleton.makeIterator().map { LoopExecutors.shared[$0] }
        // For the timers.
        eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        finished = eventLoop.makePromise(of: LoadRecord.self)
        (turns, beginner) = AsyncStream.makeStream()
    }

    func run() async throws -> LoadRecord {
        let schedule = plan.schedule(from: .now())
        state.withLock { state in
            state.record.begin(schedule)
            state.line = LoadLine(schedule: schedule, arrivals: plan.arrivals)
            state.pulse = LoopPulse(expectedAt: schedule.start + LoopPulse.step)
            state.warmUp = WarmUp(schedule, isOpen: state.line.isOpen)
            // Everybody wants to buy now, whenever the task gets its first turn.
            for user in 0..<users { begin(user, at: schedule.start, &state) }
        }
        let everybody = Task {
            await withDiscardingTaskGroup { group in
                for await user in turns {
                    group.addTask(executorPreference: executors[user % executors.count]) {
                        await self.keepBuying(user)
                    }
                }
            }
            self.finish()
        }
        let ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: LoadRecord.sliceLength, delay: LoadRecord.sliceLength
        ) { _ in self.report() }
        // The window of a closed load may begin later.
        let extra = plan.arrivals == nil ? plan.warmup * (WarmUp.most - 1) : .zero
        let drainLimit = eventLoop.scheduleTask(deadline: schedule.drainUntil + TimeAmount(extra)) {
            self.finish()
            everybody.cancel()
        }
        awaitArrival()
        beat()
        defer {
            ticker.cancel()
            drainLimit.cancel()
        }
        return try await withTaskCancellationHandler {
            try await finished.futureResult.get()
        } onCancel: {
            state.withLock { $0.isCancelled = true }
            everybody.cancel()
            eventLoop.scheduleTask(in: TimeAmount(plan.drain)) { self.finish() }
        }
    }

    /// Lets a free user begin, when there is something to begin.
    private func begin(_ user: Int, at now: NIODeadline, _ state: inout State) {
        guard let intended = state.line.free(user, at: now) else { return }
        state.note(user, intended: intended, at: now)
        beginner.yield(user)
    }

    private func keepBuying(_ user: Int) async {
        var product = state.withLock { $0.underWay[user]?.product }
        while let wanted = product {
            let answer = await buy(user, wanted)
            product = answered(user, answer)
        }
    }

    /// Counts the answer and, at the same moment, begins the user's next purchase.
    ///
    /// - Returns: The place of the product; nil when the user has nothing to do now.
    private func answered(_ user: Int, _ answer: DirectAnswer) -> Int? {
        let now = NIODeadline.now()
        return state.withLock { state in
            guard !state.isOver, let ended = state.underWay[user] else { return nil }
            state.record.add(
                user: user, product: ended.product, ended.times, done: now, outcome: answer.outcome,
                timing: answer.timing)
            state.underWay[user] = nil
            guard !state.isCancelled else { return nil }
            if let intended = state.line.free(user, at: now) {
                state.note(user, intended: intended, at: now)
                return state.underWay[user]?.product
            }
            endTurnsIfOver(state, at: now)
            return nil
        }
    }

    /// Ends the stream of turns as soon as nobody will begin any more.
    private func endTurnsIfOver(_ state: State, at now: NIODeadline) {
        let isIdle = state.underWay.allSatisfy { $0 == nil }
        let isPast = !state.record.schedule.maySend(at: now)
        if state.line.isOver(at: now) && isIdle && isPast { beginner.finish() }
    }

    private func report() {
        let now = NIODeadline.now()
        let step = state.withLock { state in
            let later = state.warmUp.postpones(
                state.record.schedule, at: now, rates: state.record.series.rates(last: 4))
            if let later {
                state.record.postpone(by: later)
                state.line.postpone(by: later)
            }
            // Without purchases under way nothing else would notice the end.
            endTurnsIfOver(state, at: now)
            return state.record.progress(share: state.record.schedule.share(at: now))
        }
        progress.yield(step)
    }
}

extension DirectSession {
    /// Waits for the next moment of an open load.
    private func awaitArrival() {
        guard let due = state.withLock({ $0.line.nextArrival }) else { return }
        eventLoop.scheduleTask(deadline: due) { self.arrive() }
    }

    private func arrive() {
        let now = NIODeadline.now()
        let goesOn = state.withLock { state in
            guard !state.isOver, !state.isCancelled else { return false }
            let before = state.line.arrived
            let turns = state.line.arrive(until: now)
            for due in state.line.arrivals(after: before) { state.record.addArrival(due: due, seen: now) }
            for turn in turns {
                state.note(turn.user, intended: turn.intended, at: now)
                beginner.yield(turn.user)
            }
            return true
        }
        if goesOn { awaitArrival() }
    }

    /// Looks whether the timers of this process run when they want to.
    private func beat() {
        let next = state.withLock { $0.isOver ? nil : $0.pulse.expectedAt }
        guard let next else { return }
        eventLoop.scheduleTask(deadline: next) {
            let now = NIODeadline.now()
            self.state.withLock { state in
                let beat = state.pulse.beat(at: now)
                if !state.isOver { state.record.addBeat(beat) }
            }
            self.beat()
        }
    }

    /// All users are done, or the drain limit passed: what is still open has an unknown outcome.
    private func finish() {
        beginner.finish()
        let now = NIODeadline.now()
        let end: Result<LoadRecord, any Error>? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.isOver = true
            for (user, open) in state.underWay.enumerated() {
                guard let open else { continue }
                state.record.addUnanswered(open.times, at: now)
                state.record.add(
                    user: user, product: open.product, open.times, done: now, outcome: .transportError,
                    timing: ServerTiming())
            }
            state.record.openAccount = state.line.isOpen ? state.line.account : nil
            return state.isCancelled ? .failure(CancellationError()) : .success(state.record)
        }
        if let end { finished.completeWith(end) }
    }
}
