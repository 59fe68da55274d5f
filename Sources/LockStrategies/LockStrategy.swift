/// One way of keeping concurrent buyers of a product from taking more than is there.
///
/// The promise: `reserve` decreases the stock of the reservation's product by its quantity and records
/// the reservation **in the same atomic step**, exactly once, or it says why it did not.
///
/// - Calling again with the same reservation id while the reservation is open never decreases twice
///   for a strategy that is lock-free, and never twice for a lock whose lease was still valid.
/// - The call returns no later than `reservation.deadline` plus the time limit of one Redis command.
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
}
