package import LockStrategies

/// A strategy whose calls run on one executor, wherever their callers run.
///
/// A lock is handed over from task to task. Where all of them run on the event loop that has the connection
/// to the lock's Redis, a hand-over wakes no other thread: who asks goes to that loop once, before the lock,
/// and goes back once, after it.
package struct PlacedStrategy<Base: LockStrategy>: LockStrategy {
    private let base: Base
    private let executor: any TaskExecutor

    package init(_ base: Base, on executor: any TaskExecutor) {
        self.base = base
        self.executor = executor
    }

    package func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try await withTaskExecutorPreference(executor) { () async throws(StrategyError) in
            try await base.reserve(reservation)
        }
    }

    package func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await withTaskExecutorPreference(executor) { () async throws(StrategyError) in
            try await base.cancel(id, of: product, deadline: deadline)
        }
    }
}
