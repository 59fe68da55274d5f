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

    /// What the wait of a task in line comes to.
    enum Service: Sendable {
        /// It is the first, and nobody in this process holds the lock.
        case ask
        case handed(Lease, stock: RESPValue?)
        case outOfTime
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
        var run = OwnRun()

        /// Who may go on now; nil where somebody else's lease must end first.
        var next: WakeSignal? { line.first.flatMap { places[$0]?.signal } }

        /// The subscription that nobody needs any more.
        mutating func unused() -> RedisSubscription? {
            guard line.isEmpty else { return nil }
            defer { subscription = nil }
            return subscription
        }
    }

    /// Of so many locks that nobody wants at the moment it is known how long a run may be.
    static let rememberedRuns = 1024

    private struct State: Sendable {
        var queues: [LockKey: Queue] = [:]
        /// Runs of locks without a queue.
        var runs: [LockKey: OwnRun] = [:]
        var lastTicket: WaitingLine.Ticket = 0

        mutating func queue(of key: LockKey) -> Queue {
            if let queue = queues.removeValue(forKey: key) { return queue }
            return Queue(run: runs.removeValue(forKey: key) ?? OwnRun())
        }

        mutating func forget(_ queue: Queue, of key: LockKey) {
            guard queue.run.isGrown else { return }
            // A forgotten run is a short one: it costs a pause, and no order.
            if runs.count >= WaitingRoom.rememberedRuns { runs.removeAll() }
            runs[key] = queue.run
            runs[key]?.ended()
        }
    }

    private let state = Mutex(State())
    private let timer: WakeTimer

    init<C: MonotonicClock>(clock: C) {
        timer = WakeTimer(clock: clock)
    }

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
            var queue = state.queue(of: key)
            queue.line.enter(place.ticket)
            queue.places[place.ticket] = place
            state.queues[key] = queue
            return place
        }
    }

    /// Waits until this task is the first and nobody in this process holds the lock, until the lock is handed
    /// to it, or until the deadline.
    func service(
        of place: Place, before deadline: ContinuousClock.Instant, on clock: some MonotonicClock
    ) async throws(StrategyError) -> Service {
        while true {
            let now = clock.now
            let (turn, stock) = turn(of: place, before: deadline, now: now)
            switch turn {
            case .ask:
                return .ask
            case .granted(let lease):
                return .handed(lease, stock: stock)
            case .offered:
                // Ends within the time limit of one command, whatever becomes of the hand-over.
                await place.signal.wait()
                guard !Task.isCancelled else { throw Self.cancelledInLine }
            case .wait:
                guard now < deadline else { return .outOfTime }
                await place.signal.wait()
                guard !Task.isCancelled else { throw Self.cancelledInLine }
            }
        }
    }

    static var cancelledInLine: StrategyError {
        StrategyError(.cancelled, "cancelled while waiting for the lock")
    }

    /// What the task at this place has to do, and what was read for it. After `.granted` the place is gone.
    /// After `.wait` it is woken at its moment, or at the deadline, whichever comes first.
    func turn(
        of place: Place, before deadline: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> (turn: WaitingLine.Turn, stock: RESPValue?) {
        state.withLock { state in
            let found = Self.change(place.key, in: &state) { queue in
                let turn = queue.line.turn(of: place.ticket, now: now)
                guard case .granted = turn else { return (turn, RESPValue?.none) }
                queue.places[place.ticket] = nil
                return (turn, queue.stocks.removeValue(forKey: place.ticket))
            }
            // Within the lock, so that who hands the lock on sees who waits.
            if case .wait(let until) = found?.0, now < deadline {
                timer.wake(place.signal, at: min(until ?? deadline, deadline), as: place.ticket)
            } else {
                timer.forget(place.ticket)
            }
            return found ?? (.ask, nil)
        }
    }

    /// True when the task at this place has to leave the lock free for a moment before it asks.
    func mustYield(_ place: Place, now: ContinuousClock.Instant) -> Bool {
        change(place.key) { $0.run.mustYield(at: now) } ?? false
    }

    /// The servers gave the lock to the task at this place, after so many tries.
    func granted(_ place: Place, after tries: Int, now: ContinuousClock.Instant) {
        _ = change(place.key) { $0.run.granted(after: tries, at: now) }
    }

    /// Wakes the task at this place at this moment, if nothing does before.
    func look(_ place: Place, at instant: ContinuousClock.Instant) {
        timer.wake(place.signal, at: instant, as: place.ticket)
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
        timer.forget(place.ticket)
        left?.next?.signal()
        return left?.remains ?? Remains()
    }

    /// Whom this lease may be handed to instead of being released. Every offer is followed by
    /// ``handedOver(_:_:to:)`` or ``notHandedOver(to:)``.
    func heir(of lease: Lease) -> Place? {
        change(lease.key) { queue in
            queue.line.offer(by: lease.token).flatMap { queue.places[$0] }
        } ?? nil
    }

    /// The lock is the heir's now.
    ///
    /// - Parameter stock: What was read for it in the same step.
    /// - Returns: False when it has left: the lease is nobody's and must be given back.
    func handedOver(_ lease: Lease, _ stock: RESPValue?, to heir: Place) -> Bool {
        let isTaken = state.withLock { state in
            let done = Self.change(lease.key, in: &state) { queue in
                let isTaken = queue.line.handedOver(lease, to: heir.ticket)
                if isTaken { queue.stocks[heir.ticket] = stock }
                return (isTaken: isTaken, next: queue.line.first)
            }
            guard let done, done.isTaken else { return false }
            // Who is first now has to look when the new lease ends. It sleeps on.
            if let next = done.next { timer.wakeEarlier(next, at: lease.validUntil) }
            return true
        }
        if isTaken { heir.signal.signal() }
        return isTaken
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
    private func change<Value: Sendable>(_ key: LockKey, _ body: (inout Queue) -> Value) -> Value? {
        state.withLock { Self.change(key, in: &$0, body) }
    }

    private static func change<Value: Sendable>(
        _ key: LockKey, in state: inout State, _ body: (inout Queue) -> Value
    ) -> Value? {
        guard var queue = state.queues.removeValue(forKey: key) else { return nil }
        let result = body(&queue)
        if queue.line.isIdle { state.forget(queue, of: key) } else { state.queues[key] = queue }
        return result
    }
}
