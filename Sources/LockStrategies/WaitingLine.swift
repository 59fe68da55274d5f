/// The tasks of one process that wait for one lock, in the order in which they came. Pure: it decides who may
/// ask Redis, the host wakes them.
///
/// Only the first asks. While a task of this process holds the lock even the first need not ask before the
/// release, or before that lease has ended.
struct WaitingLine: Sendable {
    typealias Ticket = UInt64

    enum Turn: Sendable, Equatable {
        /// Ask Redis now.
        case ask
        /// Wait for a wake-up, and look again at this instant if none comes; nil: others are before it.
        case wait(until: ContinuousClock.Instant?)
    }

    private struct Holder: Sendable {
        let token: LeaseToken
        var validUntil: ContinuousClock.Instant
    }

    private var tickets: [Ticket] = []
    private var holder: Holder?

    /// Nobody waits and nobody holds: the line may be forgotten.
    var isIdle: Bool { tickets.isEmpty && holder == nil }

    var isEmpty: Bool { tickets.isEmpty }

    var first: Ticket? { tickets.first }

    mutating func enter(_ ticket: Ticket) {
        tickets.append(ticket)
    }

    func turn(of ticket: Ticket, now: ContinuousClock.Instant) -> Turn {
        guard tickets.first == ticket else { return .wait(until: nil) }
        if let holder, now < holder.validUntil { return .wait(until: holder.validUntil) }
        return .ask
    }

    /// Who is not served any more makes room; with a lease it becomes the holder.
    mutating func leave(_ ticket: Ticket, with lease: Lease?) {
        tickets.removeAll { $0 == ticket }
        if let lease { holder = Holder(token: lease.token, validUntil: lease.validUntil) }
    }

    /// The lease was given back, or is known to have ended.
    mutating func released(_ token: LeaseToken) {
        if holder?.token == token { holder = nil }
    }

    mutating func extended(_ lease: Lease) {
        if holder?.token == lease.token { holder?.validUntil = lease.validUntil }
    }

    /// A holder who let its lease end without a release is no holder.
    mutating func forgetEnded(now: ContinuousClock.Instant) {
        if let holder, holder.validUntil <= now { self.holder = nil }
    }
}
