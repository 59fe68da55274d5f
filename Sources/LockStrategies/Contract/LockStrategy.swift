/// One way of keeping concurrent buyers of a product from taking more than is there.
///
/// The promise: `reserve` decreases the stock of the reservation's product by its quantity and records
/// the reservation **in the same atomic step**, exactly once, or it says why it did not.
///
/// - Calling again with the same reservation id while the reservation is open never decreases twice
///   for a strategy that is lock-free, and never twice for a lock whose lease was still valid.
/// - Waiting for the lock ends at `reservation.deadline`. A command that is under way then ends within its
///   own time limit; under a lock at most four follow: read, write, release, and the clean-up of a lost grant
///   (the last two on every node at once, where there are several).
/// - Nothing that the call started outlives it: no task, no waiter.
/// - A conforming type is `Sendable` and is shared by all tasks of a process.
///
/// What breaks the promise differs by strategy; each type's documentation says it first.
public protocol LockStrategy: Sendable {
    /// Takes `reservation` from the stock.
    ///
    /// - Returns: What is expected to happen: reserved, sold out, or contended. See ``ReserveOutcome``.
    /// - Throws: ``StrategyError`` when the question could not be answered. Read `code`: with
    ///   `.outcomeUnknown` and `.cancelled` the decrement may have happened.
    func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome

    /// Ends an open reservation without a sale: its units go back to the stock, exactly once however often it
    /// is called. Under a lock it waits for the lock, because a return beside a holder who has read the
    /// stock already would be overwritten.
    ///
    /// - Returns: The units that went back; 0 when the reservation is not open.
    /// - Throws: ``StrategyError``; `.timedOut` when the lock was not obtained until `deadline`. The
    ///   reservation then stays open.
    func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int
}
