/// The tasks of one process that wait for one lock, in the order in which they came. Pure: it decides who may
/// ask Redis and who is handed the lock, the host wakes them.
///
/// Only the first asks. While a task of this process holds the lock even the first need not ask before the
/// release, or before that lease has ended. The release may be a hand-over to the first; after
/// ``longestChain`` of them in a row it is a real one, so other processes get their chance.
struct WaitingLine: Sendable {
    typealias Ticket = UInt64

    enum Turn: Sendable, Equatable {
        /// Ask Redis now.
        case ask
        /// Wait for a wake-up, and look again at this instant if none comes; nil: others are before it.
        case wait(until: ContinuousClock.Instant?)
        /// The lock is being handed to it: wait for the wake-up that tells how that ended.
        case offered
        /// The lock was handed to it. Said once: its place is given up.
        case granted(Lease)
    }

    /// So many times in a row the lock is handed on within the process.
    static let longestChain = 16

    private enum Stage: Sendable, Equatable {
        case waiting
        /// It asks Redis by itself, so it is handed nothing.
        case asking
        case offered
    }

    private struct Waiter: Sendable {
        let ticket: Ticket
        var stage = Stage.waiting
    }

    private struct Holder: Sendable {
        let token: LeaseToken
        var validUntil: ContinuousClock.Instant
    }

    private var waiters: [Waiter] = []
    private var holder: Holder?
    private var chain = 0
    /// Leases that were handed over to tasks that have not seen it yet.
    private var grants: [Ticket: Lease] = [:]

    /// Nobody waits and nobody holds: the line may be forgotten.
    var isIdle: Bool { waiters.isEmpty && holder == nil && grants.isEmpty }

    var isEmpty: Bool { waiters.isEmpty }

    var first: Ticket? { waiters.first?.ticket }

    mutating func enter(_ ticket: Ticket) {
        waiters.append(Waiter(ticket: ticket))
    }

    mutating func turn(of ticket: Ticket, now: ContinuousClock.Instant) -> Turn {
        if let lease = grants.removeValue(forKey: ticket) { return .granted(lease) }
        guard waiters.first?.ticket == ticket else { return .wait(until: nil) }
        if waiters[0].stage == .offered { return .offered }
        if let holder, now < holder.validUntil { return .wait(until: holder.validUntil) }
        waiters[0].stage = .asking
        return .ask
    }

    /// Who is not served any more makes room; with a lease that it asked for it becomes the holder.
    ///
    /// - Returns: The lease that was handed to it and that it has not seen: to be given back.
    mutating func leave(_ ticket: Ticket, with lease: Lease?) -> Lease? {
        waiters.removeAll { $0.ticket == ticket }
        if let lease {
            holder = Holder(token: lease.token, validUntil: lease.validUntil)
            chain = 0
        }
        return grants.removeValue(forKey: ticket)
    }

    /// Whom the holder of this token may hand the lock to; nil: it has to release it.
    mutating func offer(by token: LeaseToken) -> Ticket? {
        guard holder?.token == token, chain < Self.longestChain, waiters.first?.stage == .waiting else {
            return nil
        }
        waiters[0].stage = .offered
        return waiters[0].ticket
    }

    /// The hand-over was carried out.
    ///
    /// - Returns: False when the task has left in the meantime: the lease is nobody's and must be given back.
    mutating func handedOver(_ lease: Lease, to ticket: Ticket) -> Bool {
        guard waiters.first?.ticket == ticket else { return false }
        waiters.removeFirst()
        grants[ticket] = lease
        holder = Holder(token: lease.token, validUntil: lease.validUntil)
        chain += 1
        return true
    }

    /// The hand-over was not carried out, or nobody knows.
    mutating func notHandedOver(to ticket: Ticket) {
        if waiters.first?.ticket == ticket { waiters[0].stage = .waiting }
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
