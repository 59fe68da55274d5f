import InventoryService
import LockStrategies
import Logging
import ServiceLifecycle
import Synchronization

/// Runs the reconciler: at the start, on a timer, and at once when a purchase meets a stock that has to be
/// looked at. The first run over everything that succeeds releases the gate.
///
/// What is reported while a run is under way is looked at by the next one, once. A run that fails is repeated
/// after a pause until it succeeds.
final class ReconcileService: Service {
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
    private let logger: Logger
    private let pending = Mutex(Pending())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - interval: From one run over everything to the next; nil runs only when something is reported.
    ///   - pause: Before a run that failed is tried again.
    ///   - onRun: Called after each run over everything, well or badly ended.
    init(
        _ reconciler: Reconciler<some LockStrategy, some Ledger, some RedisPort>, gate: SalesGate,
        interval: Duration?, pause: Duration = .milliseconds(250),
        onRun: @escaping @Sendable () -> Void = {}, logger: Logger
    ) {
        reconcileAll = { _ = try await reconciler.run() }
        reconcileOne = { _ = try await reconciler.run($0) }
        self.gate = gate
        self.onRun = onRun
        self.interval = interval
        self.pause = pause
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        gate.onTrouble { [weak self] product in self?.request(product) }
        request(nil)
    }

    /// Asks for a look at one product, or at all of them.
    func request(_ product: ProductID?) {
        pending.withLock { pending in
            if let product { pending.products.insert(product) } else { pending.everything = true }
        }
        signal.yield()
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            if let interval {
                group.addTask {
                    while (try? await Task.sleep(for: interval)) != nil { self.request(nil) }
                }
            }
            group.addTask { await self.work() }
            await withGracefulShutdownHandler {
                // The worker ends with the stream; the timer is then cancelled.
                await group.next()
                if interval != nil, !Task.isShuttingDownGracefully, !Task.isCancelled { await group.next() }
            } onGracefulShutdown: {
                self.signal.finish()
            }
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
                    for product in task.products { try await reconcileOne(product) }
                }
            } catch {
                logger.warning("cannot reconcile; trying again", metadata: ["error": "\(error)"])
                pending.withLock { pending in
                    pending.everything = pending.everything || task.everything
                    pending.products.formUnion(task.products)
                }
                guard (try? await Task.sleep(for: pause)) != nil else { return }
                signal.yield()
            }
        }
    }
}
