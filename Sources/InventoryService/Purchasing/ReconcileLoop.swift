public import LockStrategies
public import Logging
import Synchronization

/// Runs the reconciler at the start, after each interval, and at once when a purchase meets a stock that has
/// to be looked at. The first run over everything that succeeds releases the gate.
///
/// What is reported while a run is under way is looked at by the next one, once. A run that fails is repeated
/// after a pause until it succeeds.
public final class ReconcileLoop: Sendable {
    /// Waits for a while; throws when the task is cancelled meanwhile.
    public typealias Sleep = @Sendable (Duration) async throws -> Void

    private struct Pending: Sendable {
        var everything = false
        var products: Set<ProductID> = []

        var isEmpty: Bool { !everything && products.isEmpty }
    }

    private let reconcileAll: @Sendable () async throws -> Void
    private let reconcileOne: @Sendable (ProductID) async throws -> Void
    private let gate: SalesGate
    private let onRun: @Sendable () -> Void
    private let interval: Duration?
    private let pause: Duration
    private let sleep: Sleep
    private let logger: Logger
    private let pending = Mutex(Pending())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - gate: That of the reconciler: what purchases report to it is looked at from now on.
    ///   - interval: From one run over everything to the next; nil runs only when something is reported.
    ///   - pause: Before a run that failed is tried again.
    ///   - sleep: Waits for interval and pause.
    ///   - onRun: Called after each run over everything, well or badly ended.
    public init(
        _ reconciler: Reconciler<some LockStrategy, some Ledger, some RedisPort>, gate: SalesGate,
        interval: Duration?, pause: Duration = .milliseconds(250),
        sleep: @escaping Sleep = { try await Task.sleep(for: $0) },
        onRun: @escaping @Sendable () -> Void = {}, logger: Logger
    ) {
        reconcileAll = { _ = try await reconciler.run() }
        reconcileOne = { _ = try await reconciler.run($0) }
        self.gate = gate
        self.onRun = onRun
        self.interval = interval
        self.pause = pause
        self.sleep = sleep
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        gate.onTrouble { [weak self] product in self?.request(product) }
        request(nil)
    }

    /// Asks for a look at one product, or at all of them.
    public func request(_ product: ProductID?) {
        pending.withLock { pending in
            if let product { pending.products.insert(product) } else { pending.everything = true }
        }
        signal.yield()
    }

    /// Lets ``run()`` return when the run that is under way has ended.
    public func finish() { signal.finish() }

    /// Returns after ``finish()``, or when its task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            if let interval {
                group.addTask { [self] in
                    while (try? await sleep(interval)) != nil { request(nil) }
                }
            }
            group.addTask { await self.work() }
            // The worker ends with the stream; the timer is then cancelled, or was so with everything else.
            await group.next()
            group.cancelAll()
        }
    }

    private func work() async {
        for await _ in signals {
            let task = pending.withLock { pending in
                defer { pending = Pending() }
                return pending
            }
            guard !task.isEmpty else { continue }
            defer { if task.everything { onRun() } }
            do {
                if task.everything {
                    try await reconcileAll()
                    gate.release()
                } else {
                    for product in task.products.sorted(by: { $0.rawValue < $1.rawValue }) {
                        try await reconcileOne(product)
                    }
                }
            } catch {
                logger.warning("cannot reconcile; trying again", metadata: ["error": "\(error)"])
                pending.withLock { pending in
                    pending.everything = pending.everything || task.everything
                    pending.products.formUnion(task.products)
                }
                guard (try? await sleep(pause)) != nil else { return }
                signal.yield()
            }
        }
    }
}
