import RedisClient
import Synchronization

/// Where the tasks of one process wait for locks: a ``WaitingLine`` a lock, and the wake-ups of its tasks.
final class WaitingRoom: Sendable {
    /// A task's place in the line of one lock.
    struct Place: Sendable {
        let key: LockKey
        let ticket: WaitingLine.Ticket
        let signal: WakeSignal
    }

    private struct Queue: Sendable {
        var line = WaitingLine()
        var signals: [WaitingLine.Ticket: WakeSignal] = [:]
        var subscription: RedisSubscription?

        /// Who may go on now; nil where somebody else's lease must end first.
        var next: WakeSignal? { line.first.flatMap { signals[$0] } }

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
        state.withLock { $0.queues[key]?.signals.count ?? 0 }
    }

    func enter(_ key: LockKey) -> Place {
        state.withLock { state in
            state.lastTicket += 1
            let place = Place(key: key, ticket: state.lastTicket, signal: WakeSignal())
            state.queues[key, default: Queue()].line.enter(place.ticket)
            state.queues[key]?.signals[place.ticket] = place.signal
            return place
        }
    }

    func turn(of place: Place, now: ContinuousClock.Instant) -> WaitingLine.Turn {
        state.withLock { $0.queues[place.key]?.line.turn(of: place.ticket, now: now) ?? .ask }
    }

    /// Makes room for the next.
    ///
    /// - Returns: The subscription that nobody needs any more: to be cancelled. With a lease it stays until
    ///   the release.
    func leave(
        _ place: Place, with lease: Lease? = nil, now: ContinuousClock.Instant
    ) -> RedisSubscription? {
        let (next, unused) = change(place.key) { queue in
            queue.line.leave(place.ticket, with: lease)
            queue.signals[place.ticket] = nil
            queue.line.forgetEnded(now: now)
            return (queue.next, lease == nil ? queue.unused() : nil)
        }
        next?.signal()
        return unused
    }

    /// The lock was given back by this process: the first in line may ask.
    ///
    /// - Parameter isKnown: False when nobody knows whether Redis carried the release out.
    func released(_ lease: Lease, isKnown: Bool) -> RedisSubscription? {
        let (next, unused) = change(lease.key) { queue in
            if isKnown { queue.line.released(lease.token) }
            return (queue.next, queue.unused())
        }
        next?.signal()
        return unused
    }

    func extended(_ lease: Lease) {
        _ = change(lease.key) { queue in
            queue.line.extended(lease)
            return (nil, nil)
        }
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

    private func change(
        _ key: LockKey, _ body: (inout Queue) -> (WakeSignal?, RedisSubscription?)
    ) -> (WakeSignal?, RedisSubscription?) {
        state.withLock { state in
            guard var queue = state.queues.removeValue(forKey: key) else { return (nil, nil) }
            let result = body(&queue)
            if !queue.line.isIdle { state.queues[key] = queue }
            return result
        }
    }
}
