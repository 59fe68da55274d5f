import RedisClient
import Synchronization

/// Where the tasks of one process wait for locks: a ``WaitingLine`` a lock, and the wake-ups of its tasks.
final class WaitingRoom: Sendable {
    /// A task's place in the line of one lock, and for how long it wants it.
    struct Place: Sendable {
        let key: LockKey
        let timeToLive: Duration
        /// What it reads first when it has the lock; nil: it does not say.
        let reading: SectionCall?
        let ticket: WaitingLine.Ticket
        let signal: WakeSignal
    }

    /// What a task that leaves its place has to put in order.
    struct Remains: Sendable {
        /// The subscription that nobody needs any more: to be cancelled.
        var unused: RedisSubscription?
        /// A lease that was handed to it and that it has not used: to be released.
        var grant: Lease?
    }

    private struct Queue: Sendable {
        var line = WaitingLine()
        var places: [WaitingLine.Ticket: Place] = [:]
        /// What was read for tasks that were handed the lock and have not seen it yet.
        var stocks: [WaitingLine.Ticket: RESPValue] = [:]
        var subscription: RedisSubscription?

        /// Who may go on now; nil where somebody else's lease must end first.
        var next: WakeSignal? { line.first.flatMap { places[$0]?.signal } }

        /// The subscription that nobody needs any more.
        mutating func unused() -> RedisSubscription? {
            guard line.isEmpty else { return nil }
            defer { subscription = nil }
            return subscription
        }
    }

    private struct State: Sendable {
        var queues: [LockKey: Queue] = [:]
        var lastTicket: WaitingLine.Ticket = 0
    }

    private let state = Mutex(State())

    /// Tasks in the line of a lock, the one that asks included.
    func count(of key: LockKey) -> Int {
        state.withLock { $0.queues[key]?.places.count ?? 0 }
    }

    func enter(_ key: LockKey, timeToLive: Duration, reading: SectionCall? = nil) -> Place {
        state.withLock { state in
            state.lastTicket += 1
            let place = Place(
                key: key, timeToLive: timeToLive, reading: reading, ticket: state.lastTicket,
                signal: WakeSignal())
            state.queues[key, default: Queue()].line.enter(place.ticket)
            state.queues[key]?.places[place.ticket] = place
            return place
        }
    }

    /// What the task at this place has to do, and what was read for it. After `.granted` the place is gone.
    func turn(
        of place: Place, now: ContinuousClock.Instant
    ) -> (turn: WaitingLine.Turn, stock: RESPValue?) {
        change(place.key) { queue in
            let turn = queue.line.turn(of: place.ticket, now: now)
            guard case .granted = turn else { return (turn, nil) }
            queue.places[place.ticket] = nil
            return (turn, queue.stocks.removeValue(forKey: place.ticket))
        } ?? (.ask, nil)
    }

    /// Makes room for the next. With a lease the subscription stays until the release.
    func leave(_ place: Place, with lease: Lease? = nil, now: ContinuousClock.Instant) -> Remains {
        let left = change(place.key) { queue in
            var remains = Remains(grant: queue.line.leave(place.ticket, with: lease))
            queue.places[place.ticket] = nil
            queue.stocks[place.ticket] = nil
            queue.line.forgetEnded(now: now)
            if lease == nil { remains.unused = queue.unused() }
            return (next: queue.next, remains: remains)
        }
        left?.next?.signal()
        return left?.remains ?? Remains()
    }

    /// Whom this lease may be handed to instead of being released. Every offer is followed by
    /// ``handedOver(_:_:to:)`` or ``notHandedOver(to:)``.
    func heir(of lease: Lease) -> Place? {
        let heir: Place? =
            change(lease.key) { queue in
                queue.line.offer(by: lease.token).flatMap { queue.places[$0] }
            } ?? nil
        // It ends its timed wait while the hand-over is under way, so that only one wake-up is left for the
        // moment at which the lock is its own.
        heir?.signal.signal()
        return heir
    }

    /// The lock is the heir's now.
    ///
    /// - Parameter stock: What was read for it in the same step.
    /// - Returns: False when it has left: the lease is nobody's and must be given back.
    func handedOver(_ lease: Lease, _ stock: RESPValue?, to heir: Place) -> Bool {
        let done = change(lease.key) { queue in
            let isTaken = queue.line.handedOver(lease, to: heir.ticket)
            if isTaken { queue.stocks[heir.ticket] = stock }
            return (isTaken: isTaken, next: queue.next)
        }
        guard let done, done.isTaken else { return false }
        heir.signal.signal()
        // Who is first now has to watch the end of the new lease.
        done.next?.signal()
        return true
    }

    /// The offer is void: the heir is a waiter like all others again.
    func notHandedOver(to heir: Place) {
        _ = change(heir.key) { $0.line.notHandedOver(to: heir.ticket) }
        heir.signal.signal()
    }

    /// The lock was given back by this process: the first in line may ask.
    ///
    /// - Parameter isKnown: False when nobody knows whether Redis carried the release out.
    func released(_ lease: Lease, isKnown: Bool) -> RedisSubscription? {
        let done = change(lease.key) { queue in
            if isKnown { queue.line.released(lease.token) }
            return (next: queue.next, unused: queue.unused())
        }
        done?.next?.signal()
        return done?.unused
    }

    func extended(_ lease: Lease) {
        _ = change(lease.key) { $0.line.extended(lease) }
    }

    /// Something happened to the lock elsewhere: the first in line should look.
    func wake(_ key: LockKey) {
        state.withLock { $0.queues[key]?.next }?.signal()
    }

    func isSubscribed(_ key: LockKey) -> Bool {
        state.withLock { $0.queues[key]?.subscription != nil }
    }

    /// Keeps the subscription for all who wait for this lock.
    func keep(_ subscription: RedisSubscription, for key: LockKey) {
        state.withLock { $0.queues[key]?.subscription = subscription }
    }

    /// Changes the queue of a lock, and forgets it when it is idle; nil where there is none.
    private func change<Value>(_ key: LockKey, _ body: (inout Queue) -> Value) -> Value? {
        state.withLock { state in
            guard var queue = state.queues.removeValue(forKey: key) else { return nil }
            let result = body(&queue)
            if !queue.line.isIdle { state.queues[key] = queue }
            return result
        }
    }
}
