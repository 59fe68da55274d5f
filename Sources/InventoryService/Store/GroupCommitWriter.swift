import GRDB
import Synchronization

/// Lets concurrent writes share one durable commit.
///
/// An fsync costs milliseconds and a row microseconds, so all writes that wait at the same time go into one
/// transaction and are answered after its commit. Nobody waits for company: an idle writer starts at once,
/// and what arrives meanwhile forms the next batch. Each write has a savepoint: one that fails leaves its
/// neighbours alone. No thread of the cooperative pool is ever blocked.
final class GroupCommitWriter: Sendable {
    struct Limits: Sendable, Hashable {
        /// Writes in one transaction.
        var batch = 512
        /// Writes that wait; more are refused.
        var queue = 10_000
    }

    /// Answers one caller after the commit, or with the reason why there was none.
    private typealias Settle = @Sendable (_ commitFailure: InventoryError?) -> Void

    private struct Job: Sendable {
        /// Does the write; called inside the transaction.
        let run: @Sendable (Database) -> Settle
        let refuse: @Sendable (InventoryError) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var isDraining = false
        var isClosed = false
        var commits = 0
        var onIdle: [CheckedContinuation<Void, Never>] = []
    }

    private enum Admission {
        case start
        case queued
        case refused(InventoryError)
    }

    private let writer: any DatabaseWriter
    private let limits: Limits
    private let state = Mutex(State())

    init(_ writer: any DatabaseWriter, limits: Limits = Limits()) {
        self.writer = writer
        self.limits = limits
    }

    /// Transactions so far.
    var commits: Int { state.withLock { $0.commits } }

    /// Writes that wait for the next transaction.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Runs `write` in a transaction that other writes may share; returns after the commit is durable.
    ///
    /// Cancelling the caller does not stop the write. `write` may throw to undo what it did, alone; it must
    /// not begin or end transactions.
    ///
    /// - Throws: The ``InventoryError`` that `write` threw, `.ledgerUnavailable` for an error of SQLite
    ///   (nothing was written), `.ledgerOverloaded` when the queue is full.
    func submit<Value: Sendable>(
        _ write: @escaping @Sendable (Database) throws -> Value
    ) async throws(InventoryError) -> Value {
        let result = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<Value, InventoryError>, Never>) in
            let job = Job(
                run: { Self.run(write, in: $0, answer: answer) },
                refuse: { answer.resume(returning: .failure($0)) })
            switch admit(job) {
            case .start: drain()
            case .queued: break
            case .refused(let error): answer.resume(returning: .failure(error))
            }
        }
        return try result.get()
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
    }

    private func admit(_ job: Job) -> Admission {
        state.withLock { state in
            if state.isClosed {
                return .refused(InventoryError(.ledgerUnavailable, "the ledger is closed"))
            }
            if state.waiting.count >= limits.queue {
                return .refused(InventoryError(.ledgerOverloaded, "too many writes wait for the ledger"))
            }
            state.waiting.append(job)
            if state.isDraining { return .queued }
            state.isDraining = true
            return .start
        }
    }

    /// Hands the next batch to the writer's own queue; ends when nothing waits.
    private func drain() {
        writer.asyncWriteWithoutTransaction { database in
            let batch = self.nextBatch()
            guard !batch.isEmpty else { return }
            self.commit(batch, in: database)
            self.drain()
        }
    }

    private func nextBatch() -> [Job] {
        let (batch, idle) = state.withLock { state in
            if state.waiting.isEmpty {
                state.isDraining = false
                defer { state.onIdle = [] }
                return ([Job](), state.onIdle)
            }
            state.commits += 1
            if state.waiting.count <= limits.batch {
                defer { state.waiting = [] }
                return (state.waiting, [])
            }
            let batch = Array(state.waiting.prefix(limits.batch))
            state.waiting.removeFirst(limits.batch)
            return (batch, [])
        }
        for continuation in idle { continuation.resume() }
        return batch
    }

    private func commit(_ batch: [Job], in database: Database) {
        var settlements: [Settle] = []
        settlements.reserveCapacity(batch.count)
        do {
            try database.beginTransaction(.immediate)
            for job in batch {
                settlements.append(job.run(database))
                // A full disk and its like make SQLite roll the whole transaction back by itself.
                guard database.isInsideTransaction else {
                    throw InventoryError(.ledgerUnavailable, "SQLite gave the transaction up")
                }
            }
            try database.commit()
        } catch {
            if database.isInsideTransaction { try? database.rollback() }
            let failure = SQLiteLedger.error(error)
            for settle in settlements { settle(failure) }
            for job in batch.dropFirst(settlements.count) { job.refuse(failure) }
            return
        }
        for settle in settlements { settle(nil) }
    }

    private static func run<Value: Sendable>(
        _ write: (Database) throws -> Value, in database: Database,
        answer: CheckedContinuation<Result<Value, InventoryError>, Never>
    ) -> Settle {
        do {
            var value: Value?
            try database.inSavepoint {
                value = try write(database)
                return .commit
            }
            guard let value else {
                throw InventoryError(.ledgerUnavailable, "the write ended without a value")
            }
            return { failure in
                answer.resume(returning: failure.map { .failure($0) } ?? .success(value))
            }
        } catch {
            let own = SQLiteLedger.error(error)
            return { _ in answer.resume(returning: .failure(own)) }
        }
    }
}
