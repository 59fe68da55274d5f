import LockStrategies

/// A purchase from its reservation on. It stands on the heap, once: each of the asynchronous calls that hand
/// it on would have room for all of it, for each purchase that is under way.
final class PurchaseAttempt {
    let order: PurchaseOrder
    let reservation: Reservation
    private let start: ContinuousClock.Instant
    var timings: PurchaseTimings
    /// True when others tell the gate of the reservation's end.
    var isHandedOver = false

    var id: ReservationID { reservation.id }

    init(_ order: PurchaseOrder, _ reservation: Reservation, at start: ContinuousClock.Instant) {
        self.order = order
        self.reservation = reservation
        self.start = start
        timings = PurchaseTimings(reservation: reservation.id)
    }

    /// The strategy has answered, or could not.
    func answered(_ evidence: Evidence, at now: ContinuousClock.Instant) {
        timings.evidence = evidence
        timings.redis = start.duration(to: now)
    }

    @inline(never)
    func report(_ outcome: PurchaseOutcome) -> PurchaseReport {
        PurchaseReport(outcome: outcome, timings: timings)
    }
}
