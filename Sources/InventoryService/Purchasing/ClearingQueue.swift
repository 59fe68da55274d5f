public import LockStrategies
public import Logging
import Synchronization

/// Reservations whose purchase is decided, until Redis has forgotten them: behind the answers to their
/// buyers, and many by one command.
///
/// A reservation that waits here counts as in work, so the reconciler of this process leaves it alone. What
/// Redis does not take, and what the death of the process leaves, is cleared by the next comparison: the
/// ledger holds the sale. The queue is bounded: when it is full, the purchase clears its reservation itself
/// and waits.
public final class ClearingQueue<Redis: RedisPort>: Sendable {
    private let stock: StockStore<Redis>
    private let gate: SalesGate
    private let capacity: Int
    private let linger: Duration
    private let sleep: ReconcileLoop.Sleep
    private let crashPoints: CrashPoints
    private let logger: Logger
    private let state = Mutex(ClearingState())

    /// Reservations that one command clears at most: more would keep Redis from other buyers for too long.
    private static var mostOfCommand: Int { 512 }

    /// - Parameters:
    ///   - gate: That of the purchases and of the reconciler.
    ///   - capacity: Reservations that wait at most.
    ///   - linger: How long the first one waits for others before the command leaves. At a quiet rate each
    ///     command wakes two processes.
    ///   - sleep: Waits for that long.
    public init(
        _ stock: StockStore<Redis>, gate: SalesGate, capacity: Int = 10_000,
        linger: Duration = .milliseconds(20),
        sleep: @escaping ReconcileLoop.Sleep = { try await Task.sleep(for: $0) },
        crashPoints: CrashPoints = .none, logger: Logger
    ) {
        self.stock = stock
        self.gate = gate
        self.capacity = capacity
        self.linger = linger
        self.sleep = sleep
        self.crashPoints = crashPoints
        self.logger = logger
    }

    /// Reservations that are not cleared yet.
    public var count: Int { state.withLock(\.count) }

    /// Takes over a reservation that is in work: the queue tells the gate when it is cleared.
    ///
    /// - Returns: False when the queue is full or closed; the caller goes on with it.
    package func add(_ id: ReservationID, of product: ProductID) -> Bool {
        let (isTaken, mustStart) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed, state.count < capacity else { return (false, false) }
            state.count += 1
            state.waiting[product, default: []].append(id)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if mustStart {
            // It serves many purchases, and has nothing of the one that began it but the place where it runs.
            let executor = unsafe withUnsafeCurrentTask { task in
                unsafe task?.unownedTaskExecutor?.asTaskExecutor()
            }
            Task.detached(executorPreference: executor) { await self.run() }
        }
        return isTaken
    }

    /// Takes no more, and returns when all that was taken is cleared or left to the reconciler: nothing is
    /// tried any more once a command has failed. Call it before the connections to Redis are closed.
    public func finish() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.isRunning { state.onIdle.append(continuation) }
                return !state.isRunning
            }
            if isIdle { continuation.resume() }
        }
    }

    private func run() async {
        repeat {
            if !state.withLock(\.isClosed) { try? await sleep(linger) }
            await clear(takeAll())
        } while goesOn()
    }

    private func takeAll() -> [(product: ProductID, ids: [ReservationID])] {
        let waiting = state.withLock { state in
            defer { state.waiting.removeAll(keepingCapacity: true) }
            return state.waiting
        }
        // In one order on every machine, so that a simulated world can be played again.
        return waiting.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }

    private func clear(_ batch: [(product: ProductID, ids: [ReservationID])]) async {
        guard batch.count > 1 else {
            for (product, ids) in batch { await clear(ids, of: product) }
            return
        }
        await withTaskGroup(of: Void.self) { group in
            for (product, ids) in batch { group.addTask { await self.clear(ids, of: product) } }
        }
    }

    private func clear(_ ids: [ReservationID], of product: ProductID) async {
        var left = ids[...]
        var isLeft = false
        while !left.isEmpty {
            let some = left.prefix(Self.mostOfCommand)
            left = left.dropFirst(some.count)
            if !isLeft, await !isCleared(Array(some), of: product) {
                isLeft = state.withLock(\.isClosed)
            }
            gate.leave(some)
            state.withLock { $0.count -= some.count }
        }
    }

    private func isCleared(_ ids: [ReservationID], of product: ProductID) async -> Bool {
        do throws(InventoryError) {
            try await stock.clear(ids, of: product)
        } catch {
            logger.warning(
                "finished reservations could not be cleared; the next comparison clears them",
                metadata: [
                    "reservations": "\(ids.count)", "product_id": "\(product)", "error": "\(error)",
                ])
            return false
        }
        for _ in ids { crashPoints.pass(.afterClear) }
        return true
    }

    /// True when somebody waits; else the queue rests from here on.
    private func goesOn() -> Bool {
        let idle: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.waiting.isEmpty else { return nil }
            state.isRunning = false
            defer { state.onIdle = [] }
            return state.onIdle
        }
        guard let idle else { return true }
        for continuation in idle { continuation.resume() }
        return false
    }
}

/// Not within the queue, whose type has a parameter: each access would look up the type of the state.
private struct ClearingState {
    var waiting: [ProductID: [ReservationID]] = [:]
    /// That wait, or whose command is under way.
    var count = 0
    var isRunning = false
    var isClosed = false
    var onIdle: [CheckedContinuation<Void, Never>] = []
}
