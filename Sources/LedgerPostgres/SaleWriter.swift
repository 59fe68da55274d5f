import InventoryService
import LockStrategies
import Synchronization

/// Lets concurrent sales share one durable commit.
///
/// Nobody waits for company: a writer that rests starts at once, and what arrives meanwhile forms the next
/// batch. Queue, batch and waiting time are bounded: a sale whose batch has not begun within the patience is
/// refused. One whose batch has begun is answered with what became of it.
final class SaleWriter<Time: MonotonicClock>: Sendable {
    private typealias Answer = CheckedContinuation<Result<RecordOutcome, InventoryError>, Never>

    private struct Job: Sendable {
        let sale: Sale
        let answer: Answer
    }

    private struct State {
        var queue: WriteQueue<Job>
        var load = LedgerWriterLoad()
        var isDraining = false
        var isClosed = false
        var sweeper: Task<Void, Never>?
        var onIdle: [CheckedContinuation<Void, Never>] = []
    }

    private enum Admission {
        case start
        case queued
        case refused(InventoryError)
    }

    private let settings: LedgerSettings
    private let clock: Time
    private let onCommit: @Sendable (Duration) -> Void
    private let write: @Sendable ([Sale]) async -> SaleTransaction.Report
    private let state: Mutex<State>

    /// - Parameters:
    ///   - onCommit: Called behind each transaction with the time that it took.
    ///   - write: Writes a batch; every wait in it is bounded.
    init(
        settings: LedgerSettings, clock: Time, onCommit: @escaping @Sendable (Duration) -> Void = { _ in },
        write: @escaping @Sendable ([Sale]) async -> SaleTransaction.Report
    ) {
        self.settings = settings
        self.clock = clock
        self.onCommit = onCommit
        self.write = write
        state = Mutex(State(queue: WriteQueue(limit: settings.queue, patience: settings.patience)))
    }

    /// What waits, and what was done so far.
    var load: LedgerWriterLoad {
        state.withLock { state in
            var load = state.load
            load.waiting = state.queue.count
            return load
        }
    }

    /// Records a sale together with those that wait beside it; returns when it is durable. Cancelling the
    /// caller does not stop it.
    func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        let result = await withCheckedContinuation { (answer: Answer) in
            switch admit(Job(sale: sale, answer: answer)) {
            case .start: Task { await self.drain() }
            case .queued: break
            case .refused(let error): answer.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Refuses new sales and returns when those that wait have been answered.
    func close() async {
        await withCheckedContinuation { idle in
            let isIdle = state.withLock { state in
                state.isClosed = true
                guard state.isDraining else { return true }
                state.onIdle.append(idle)
                return false
            }
            if isIdle { idle.resume() }
        }
        state.withLock { $0.sweeper }?.cancel()
    }

    private func admit(_ job: Job) -> Admission {
        let now = clock.now
        return state.withLock { state in
            if state.isClosed {
                return .refused(InventoryError(.ledgerUnavailable, "the ledger is closed"))
            }
            guard state.queue.add(job, at: now) else {
                state.load.refused += 1
                return .refused(InventoryError(.ledgerOverloaded, "too many writes wait for the ledger"))
            }
            if state.sweeper == nil { state.sweeper = Task { await self.sweep() } }
            if state.isDraining { return .queued }
            state.isDraining = true
            return .start
        }
    }

    // MARK: - Waiting too long

    private func sweep() async {
        while let deadline = nextDeadline() {
            do {
                try await clock.sleep(until: deadline, tolerance: nil)
            } catch {
                // Closed: nobody waits.
                return
            }
            let now = clock.now
            let expired = state.withLock { state in
                let expired = state.queue.expire(at: now)
                state.load.expired += expired.count
                return expired
            }
            let error = InventoryError(.ledgerOverloaded, "the ledger did not come to this write in time")
            for job in expired { job.answer.resume(returning: .failure(error)) }
        }
    }

    private func nextDeadline() -> ContinuousClock.Instant? {
        state.withLock { state in
            if state.queue.isEmpty { state.sweeper = nil }
            return state.queue.nextDeadline
        }
    }

    // MARK: - The writer's turn

    /// Writes a batch after the other until nobody waits.
    private func drain() async {
        while let batch = next() {
            let start = clock.now
            let report = await write(batch.map(\.sale))
            let duration = start.duration(to: clock.now)
            state.withLock { state in
                state.load.ended(rows: batch.count, after: duration, isDurable: report.isDurable)
            }
            onCommit(duration)
            for (job, result) in zip(batch, report.results) { job.answer.resume(returning: result) }
        }
    }

    /// The next batch; nil when nobody waits, and the writer rests from then on.
    private func next() -> [Job]? {
        let (batch, idle): ([Job], [CheckedContinuation<Void, Never>]) = state.withLock { state in
            let batch = state.queue.take(settings.batch)
            guard batch.isEmpty else {
                state.load.transactions += 1
                return (batch, [])
            }
            state.isDraining = false
            defer { state.onIdle = [] }
            return ([], state.onIdle)
        }
        for continuation in idle { continuation.resume() }
        return batch.isEmpty ? nil : batch
    }
}
