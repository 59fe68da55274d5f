import LockStrategies
import Synchronization

/// How long the marks of ended reservations have stood, by the clock of this process: a wall clock that jumps
/// makes none of them go too soon.
final class StandingMarks: Sendable {
    /// No call of a process lives so long, so no reservation can still come.
    private static let hold = Duration.seconds(3600)

    private let seen = Mutex<[ProductID: [ReservationID: ContinuousClock.Instant]]>([:])

    /// The marks that this process has seen for longer than a mark is kept.
    func old(among ids: Set<ReservationID>, of product: ProductID) -> Set<ReservationID> {
        let now = ContinuousClock.now
        return seen.withLock { seen in
            var first = (seen[product] ?? [:]).filter { ids.contains($0.key) }
            for id in ids where first[id] == nil { first[id] = now }
            seen[product] = first.isEmpty ? nil : first
            return Set(first.filter { $0.value.duration(to: now) > Self.hold }.keys)
        }
    }
}
