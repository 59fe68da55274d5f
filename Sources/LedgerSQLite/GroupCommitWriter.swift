import Dispatch
import GRDB
import InventoryService
import LockStrategies
import Synchronization

/// Lets concurrent writes share one durable commit.
///
/// An fsync costs milliseconds and a row microseconds, so all writes that wait at the same time go into one
/// transaction and are answered after its commit. Nobody waits for company: an idle writer starts at once,
/// and what arrives meanwhile forms the next batch. Each write has a savepoint, or shares it with the sales
/// beside it (``SaleRecorder``): one that fails leaves its neighbours alone. Queue, batch and waiting time
/// are bounded: a write whose transaction has not begun within the patience is refused, whatever blocks the
/// disk or the database. One whose transaction has begun is answered with what became of it. No thread of the
/// cooperative pool is ever blocked.
final class GroupCommitWriter<Time: MonotonicClock>: Sendable {
    private struct State {
        var queue: WriteQueue<WriterJob>
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

    private let connections: LedgerConnections
    private let settings: LedgerSettings
    private let clock: Time
    private let recorder: SaleRecorder
    private let onCommit: @Sendable (Duration) -> Void
    private let state: Mutex<State>
    /// Where connections are opened: neither the writer's queue, which waits for them, nor the cooperative
    /// pool.
    private let repairs = DispatchQueue(label: "ledger.repairs")
    private static var turnsInARow: Int { 16 }

    /// - Parameters:
    ///   - recorder: Writes the sales.
    ///   - onCommit: Called behind each transaction with the time that it took.
    init(
        _ connections: LedgerConnections, settings: LedgerSettings, clock: Time,
        recorder: SaleRecorder = SaleRecorder(origin: ""),
        onCommit: @escaping @Sendable (Duration) -> Void = { _ in }
    ) {
        self.recorder = recorder
        self.onCommit = onCommit
        self.connections = connections
        self.settings = settings
        self.clock = clock
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

    /// Runs `write` in a transaction that other writes may share; returns after the commit is durable.
    ///
    /// Cancelling the caller does not stop the write. `write` may throw to undo what it did, alone; it must
    /// not begin or end transactions. A file that was moved or replaced takes no more writes.
    ///
    /// - Throws: The ``InventoryError`` that `write` threw; `.ledgerUnavailable` and `.ledgerFull` for errors
    ///   of SQLite, `.ledgerOverloaded` when the queue is full or the transaction did not begin in time:
    ///   nothing was written and nothing will be. `.recordUnknown` when the disk failed under the commit and
    ///   then refused to make the failure final, or the file was moved or replaced meanwhile: after a restart
    ///   the write may be there.
    func submit<Value: Sendable>(
        _ write: @escaping @Sendable (Database) throws -> Value
    ) async throws(InventoryError) -> Value {
        let result = await withCheckedContinuation { enter(WriterJob(write, $0)) }
        return try result.get()
    }

    /// As the other function of this name. Sales that follow each other are written together.
    func submit(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        let result = await withCheckedContinuation { enter(WriterJob(sale, $0)) }
        return try result.get()
    }

    private func enter(_ job: WriterJob) {
        switch admit(job) {
        case .start: drain()
        case .queued: break
        case .refused(let error): job.refuse(error)
        }
    }

    /// Refuses new writes and returns when those that wait have been answered.
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

    private func admit(_ job: WriterJob) -> Admission {
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

    /// Refuses who waits too long, until nobody waits: the writer's own thread may be stuck in the disk.
    private func sweep() async {
        while let deadline = nextDeadline() {
            do {
                try await clock.sleep(until: deadline, tolerance: nil)
            } catch {
                // Closed: nobody waits.
                return
            }
            expire()
        }
    }

    private func nextDeadline() -> ContinuousClock.Instant? {
        state.withLock { state in
            if state.queue.isEmpty { state.sweeper = nil }
            return state.queue.nextDeadline
        }
    }

    private func expire() {
        let now = clock.now
        let (expired, isBlocked) = state.withLock { state in
            let expired = state.queue.expire(at: now)
            state.load.expired += expired.count
            return (expired, state.load.isBlocked)
        }
        let error =
            isBlocked
            ? InventoryError(.ledgerUnavailable, "another program holds the database of the ledger")
            : InventoryError(.ledgerOverloaded, "the ledger did not come to this write in time")
        for job in expired { job.refuse(error) }
    }

    // MARK: - The writer's turn

    /// Hands the next batch to the writer's own queue; ends when nothing waits.
    private func drain() {
        guard state.withLock(\.load.isBroken) else {
            connections.pool.asyncWriteWithoutTransaction { self.turns($0) }
            return
        }
        repairs.async {
            if !self.repair() {
                let error = InventoryError(.ledgerUnavailable, "the disk of the ledger fails")
                for job in self.take() { job.refuse(error) }
            }
            if self.goesOn() { self.drain() }
        }
    }

    /// True when somebody waits; else the writer rests from here on.
    private func goesOn() -> Bool {
        let idle: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.queue.isEmpty else { return nil }
            state.isDraining = false
            defer { state.onIdle = [] }
            return state.onIdle
        }
        guard let idle else { return true }
        for continuation in idle { continuation.resume() }
        return false
    }

    private func take() -> [WriterJob] {
        state.withLock { $0.queue.take(settings.batch) }
    }

    /// Several in a row, so that a busy writer does not go through its queue for each; then others who use
    /// the connection have their turn.
    private func turns(_ database: Database) {
        for _ in 0..<Self.turnsInARow {
            guard turn(database), goesOn() else { return }
            // Then the connections are exchanged first.
            if state.withLock(\.load.isBroken) { break }
        }
        drain()
    }

    /// - Returns: False when the outcome has to be found out first; the writer goes on from there.
    private func turn(_ database: Database) -> Bool {
        if let displacement = connections.displacement {
            let error = InventoryError(.ledgerUnavailable, displacement)
            for job in take() { job.refuse(error) }
            return true
        }
        do {
            // Those who wait stay in the queue until the transaction has begun: until then they can be
            // refused.
            try database.beginImmediate()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // SQLite has waited for its busy time-out by now.
            state.withLock { $0.load.isBlocked = true }
            expire()
            return true
        } catch {
            note(error)
            for job in take() { job.refuse(SQLiteLedger.error(error)) }
            return true
        }
        let batch = state.withLock { state in
            state.load.isBlocked = false
            let batch = state.queue.take(settings.batch)
            if !batch.isEmpty { state.load.transactions += 1 }
            return batch
        }
        guard !batch.isEmpty else {
            // All were refused while the transaction began.
            try? database.rollback()
            return true
        }
        return commit(batch, in: database)
    }

    /// - Returns: False when the outcome has to be found out first; the turn goes on from there.
    private func commit(_ batch: [WriterJob], in database: Database) -> Bool {
        let start = clock.now
        var done: [WriterJob.Written] = []
        done.reserveCapacity(batch.count)
        var isCommitting = false
        do {
            for part in WriterJob.parts(of: batch) {
                let written = try write(part, in: database)
                done += written
                for failure in written.lazy.compactMap(\.failure) { note(failure) }
                // A full disk and its like make SQLite roll the whole transaction back by itself.
                guard database.isInsideTransaction else {
                    throw written.last?.failure
                        ?? InventoryError(.ledgerUnavailable, "SQLite gave the transaction up")
                }
            }
            isCommitting = true
            try database.commitCached()
        } catch {
            if database.isInsideTransaction { try? database.rollback() }
            ended(batch.count, since: start, isDurable: false)
            if note(error), isCommitting {
                settle(done, becauseOf: error)
                return false
            }
            let failure = SQLiteLedger.error(error)
            for write in done { write.settle(failure) }
            for job in batch.dropFirst(done.count) { job.refuse(failure) }
            return true
        }
        // The commit is in the file that is open, and only its name brings that back after a restart.
        let displacement = connections.displacement
        ended(batch.count, since: start, isDurable: displacement == nil)
        let failure = displacement.map { InventoryError(.recordUnknown, $0) }
        for write in done { write.settle(failure) }
        return true
    }

    private func write(_ part: WriterJob.Part, in database: Database) throws -> [WriterJob.Written] {
        switch part {
        case .other(let other):
            return [other.write(database)]
        case .sales(let sales, let answers):
            let report = try recorder.record(sales, in: database)
            if let dissent = report.dissent { note(dissent) }
            return zip(report.results, answers).map { .sale($0, $1) }
        }
    }

    private func ended(_ rows: Int, since start: ContinuousClock.Instant, isDurable: Bool) {
        let duration = start.duration(to: clock.now)
        state.withLock { $0.load.ended(rows: rows, after: duration, isDurable: isDurable) }
        onCommit(duration)
    }

    // MARK: - When the disk fails

    /// - Returns: True for an error of the disk: the connections are not used again.
    @discardableResult
    private func note(_ error: any Error) -> Bool {
        let cause = (error as? InventoryError)?.underlying ?? error
        guard (cause as? DatabaseError)?.resultCode == .SQLITE_IOERR else { return false }
        state.withLock { $0.load.isBroken = true }
        return true
    }

    /// The disk failed under a commit: what it holds now is unknown, until new connections have overwritten
    /// it.
    private func settle(_ done: [WriterJob.Written], becauseOf error: any Error) {
        let cause = SQLiteLedger.error(error)
        repairs.async {
            let failure =
                self.repair()
                ? cause
                : InventoryError(
                    .recordUnknown, "the disk failed under a commit: what it holds is not known",
                    underlying: cause.underlying)
            for write in done { write.settle(failure) }
            if self.goesOn() { self.drain() }
        }
    }

    private func repair() -> Bool {
        do {
            try connections.renew()
        } catch {
            return false
        }
        state.withLock { state in
            state.load.isBroken = false
            state.load.reopened += 1
        }
        return true
    }
}
