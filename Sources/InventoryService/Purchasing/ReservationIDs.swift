public import LockStrategies
import Synchronization

/// Makes the reservation ids of one process: each is above those before it.
///
/// A ledger has an index of these ids. Ids that rise stand side by side there, so the sales of a commit
/// change one page of it; each random id changes a page of its own.
///
/// An id has 128 bits: 48 of milliseconds since 1970, 16 of a counter that keeps the order within a
/// millisecond, and 64 of chance (as UUIDv7 with a counter, RFC 9562 section 6.2, without its version bits).
/// Where the clock goes back, or the counter is used up, the ids go on from the last one.
///
/// Where several servers share a ledger, the number of the server takes the place of half the chance, so that
/// each sees who works on a reservation.
///
/// An id tells when its purchase began, to the millisecond, and how many began before it in that
/// millisecond. Only operators see ids, in Redis, in the ledger and in logs, and a purchase's row has its
/// time anyway. Nobody guesses the id of another purchase: 64 bits of it, or 32, come from the source of
/// chance.
public final class ReservationIDs: Sendable {
    private struct Place {
        var milliseconds: UInt64 = 0
        var count: UInt16 = 0
    }

    private let random: RandomSource
    private let clock: WallClock
    private let server: ServerNumber?
    private let last = Mutex<Place?>(nil)

    /// - Parameters:
    ///   - random: Of the system, where the ids are to be unguessable.
    ///   - clock: What the ids rise with.
    ///   - server: Which of several servers makes them; nil: there is one.
    public init(
        random: RandomSource = .system, clock: WallClock = .system, server: ServerNumber? = nil
    ) {
        self.random = random
        self.clock = clock
        self.server = server
    }

    public func next() -> ReservationID {
        let now = UInt64(max(clock.now.microseconds, 0)) / 1000
        let place = last.withLock { last in
            let place = Self.place(at: now, after: last)
            last = place
            return place
        }
        let chance = random.next()
        let low = server.map { UInt64($0.rawValue) << 32 | chance >> 32 } ?? chance
        return ReservationID(place.milliseconds << 16 | UInt64(place.count), low)
    }

    private static func place(at now: UInt64, after last: Place?) -> Place {
        guard let last, now <= last.milliseconds else { return Place(milliseconds: now) }
        guard last.count < .max else { return Place(milliseconds: last.milliseconds + 1) }
        return Place(milliseconds: last.milliseconds, count: last.count + 1)
    }
}
