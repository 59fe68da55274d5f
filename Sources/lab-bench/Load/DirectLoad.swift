import NIOCore
import NIOPosix
import Synchronization

/// What one call of the service came to.
struct DirectAnswer: Sendable, Equatable {
    var outcome: PurchaseOutcome
    var timing = ServerTiming()
}

/// Drives a service in this process with a closed load: one task for each user, each making its next
/// purchase when the last one is answered.
enum DirectLoad {
    /// - Parameters:
    ///   - progress: Told every 250 ms; finished when the load ends.
    ///   - buy: One purchase of the user with this number, from 0.
    /// - Throws: `CancellationError`.
    static func run(
        users: Int, _ plan: LoadPlan, progress: AsyncStream<LoadProgress>.Continuation,
        buy: @escaping @Sendable (_ user: Int) async -> DirectAnswer
    ) async throws -> LoadRecord {
        defer { progress.finish() }
        let session = DirectSession(users: users, plan: plan, progress: progress, buy: buy)
        return try await session.run()
    }
}

/// One closed load by tasks. What is answered after the drain limit belongs to nobody any more: a strategy
/// that never answers cannot keep the trial from ending.
private final class DirectSession: Sendable {
    private struct State {
        var record: LoadRecord
        /// Of each user's purchase that is under way.
        var sent: [NIODeadline?]
        var isCancelled = false
        var isOver = false
    }

    private let users: Int
    private let plan: LoadPlan
    private let progress: AsyncStream<LoadProgress>.Continuation
    private let buy: @Sendable (Int) async -> DirectAnswer
    private let state: Mutex<State>
    private let eventLoop: any EventLoop
    private let finished: EventLoopPromise<LoadRecord>

    init(
        users: Int, plan: LoadPlan, progress: AsyncStream<LoadProgress>.Continuation,
        buy: @escaping @Sendable (Int) async -> DirectAnswer
    ) {
        self.users = users
        self.plan = plan
        self.progress = progress
        self.buy = buy
        // The clock is set again when everything is ready.
        let record = LoadRecord(schedule: plan.schedule(from: .now()), users: users)
        state = Mutex(State(record: record, sent: Array(repeating: nil, count: users)))
        // Timers only; the users run on the cooperative pool.
        eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        finished = eventLoop.makePromise(of: LoadRecord.self)
    }

    func run() async throws -> LoadRecord {
        let schedule = plan.schedule(from: .now())
        state.withLock { state in
            state.record.begin(schedule)
            // Everybody wants to buy now, whenever the task gets its first turn.
            for user in 0..<users { state.sent[user] = schedule.start }
        }
        let everybody = Task {
            await withDiscardingTaskGroup { group in
                for user in 0..<users { group.addTask { await self.keepBuying(user) } }
            }
            self.finish()
        }
        let ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: LoadRecord.sliceLength, delay: LoadRecord.sliceLength
        ) { _ in self.report() }
        let drainLimit = eventLoop.scheduleTask(deadline: schedule.drainUntil) {
            self.finish()
            everybody.cancel()
        }
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

    private func keepBuying(_ user: Int) async {
        var mayBuy = true
        while mayBuy {
            let answer = await buy(user)
            mayBuy = answered(user, answer)
        }
    }

    /// Counts the answer and, at the same moment, begins the user's next purchase.
    ///
    /// - Returns: False when the load is over.
    private func answered(_ user: Int, _ answer: DirectAnswer) -> Bool {
        let now = NIODeadline.now()
        return state.withLock { state in
            guard !state.isOver, let sent = state.sent[user] else { return false }
            state.record.add(
                user: user, sent: sent, done: now, outcome: answer.outcome, timing: answer.timing)
            let goesOn = !state.isCancelled && state.record.schedule.maySend(at: now)
            state.sent[user] = goesOn ? now : nil
            return goesOn
        }
    }

    private func report() {
        let now = NIODeadline.now()
        let step = state.withLock { $0.record.progress(share: $0.record.schedule.share(at: now)) }
        progress.yield(step)
    }

    /// All users are done, or the drain limit passed: what is still open has an unknown outcome.
    private func finish() {
        let now = NIODeadline.now()
        let end: Result<LoadRecord, any Error>? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.isOver = true
            for (user, sent) in state.sent.enumerated() {
                guard let sent else { continue }
                state.record.add(
                    user: user, sent: sent, done: now, outcome: .transportError, timing: ServerTiming())
            }
            return state.isCancelled ? .failure(CancellationError()) : .success(state.record)
        }
        if let end { finished.completeWith(end) }
    }
}
