import RedisClient
import Synchronization

/// Where the tasks of one process wait for locks: a ``WaitingLine`` a lock, and the wake-ups of its tasks.
///
/// One timer watches the time of all who wait. A timer for each of them would be made and cancelled for each
/// purchase, and a cancelled sleep of Swift's clock stays with the system until its time has come.
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
        /// When each task that waits has to look again, if nothing wakes it before.
        var looks: [WaitingLine.Ticket: ContinuousClock.Instant] = [:]
        /// What was read for tasks that were handed the lock and have not seen it yet.
        var stocks: [WaitingLine.Ticket: RESPValue] = [:]
        var subscription: RedisSubscription?

        /// Who may go on now; nil where somebody else's lease must end first.
        var next: WakeSignal? { line.first.flatMap { places[$0]?.signal } }

        /// The first in line and when it looks, while it sleeps.
        var sleeper: (Place, ContinuousClock.Instant)? {
            guard let first = line.first, let place = places[first], let look = looks[first] else {
                return nil
            }
            return (place, look)
        }

        mutating func forget(_ ticket: WaitingLine.Ticket) {
            places[ticket] = nil
            looks[ticket] = nil
        }

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
        /// Places in all lines.
        var places = 0
        /// Nil: nobody waits. The timer ends with the last place, so no sleep outlives the calls.
        var watch: Watch?
        var lastWatch = 0

        var firstLook: ContinuousClock.Instant? { queues.values.lazy.flatMap(\.looks.values).min() }

        mutating func endWatch() {
            watch?.task.cancel()
            watch = nil
        }

        /// Those whose moment has come, in the order in which they came.
        mutating func takeDue(at now: ContinuousClock.Instant) -> [Place] {
            var due: [Place] = []
            for key in queues.keys {
                let tickets = queues[key]?.looks.filter { $0.value <= now }.keys.sorted() ?? []
                for ticket in tickets {
                    queues[key]?.looks[ticket] = nil
                    if let place = queues[key]?.places[ticket] { due.append(place) }
                }
            }
            return due.sorted { $0.ticket < $1.ticket }
        }
    }

    /// The timer, set to a moment that is not later than the first look of any task.
    private struct Watch: Sendable {
        let number: Int
        var until: ContinuousClock.Instant
        let task: Task<Void, Never>
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (ContinuousClock.Instant) async throws -> Void

    init<C: MonotonicClock>(clock: C) {
        now = { clock.now }
        sleep = { try await clock.sleep(until: $0, tolerance: nil) }
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
            state.queues[key, default: Queue()].line.enter(place.ticket)
            state.queues[key]?.places[place.ticket] = place
            state.places += 1
            return place
        }
    }

    /// What the task at this place has to do, and what was read for it. After `.granted` the place is gone.
    /// After `.wait` it is woken at its moment, or at the deadline, whichever comes first.
    func turn(
        of place: Place, before deadline: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> (turn: WaitingLine.Turn, stock: RESPValue?) {
        state.withLock { state in
            let found = Self.change(place.key, in: &state) { queue in
                queue.looks[place.ticket] = nil
                let turn = queue.line.turn(of: place.ticket, now: now)
                guard case .granted = turn else { return (turn, RESPValue?.none) }
                queue.forget(place.ticket)
                return (turn, queue.stocks.removeValue(forKey: place.ticket))
            }
            if case .wait(let until) = found?.0, now < deadline {
                look(place, at: min(until ?? deadline, deadline), &state)
            }
            return found ?? (.ask, nil)
        }
    }

    /// Wakes the task at this place at this moment, if nothing does before.
    func look(_ place: Place, at instant: ContinuousClock.Instant) {
        state.withLock { look(place, at: instant, &$0) }
    }

    /// Makes room for the next. With a lease the subscription stays until the release.
    func leave(_ place: Place, with lease: Lease? = nil, now: ContinuousClock.Instant) -> Remains {
        let left = change(place.key) { queue in
            var remains = Remains(grant: queue.line.leave(place.ticket, with: lease))
            queue.forget(place.ticket)
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
                return (isTaken: isTaken, next: queue.sleeper)
            }
            guard let done, done.isTaken else { return false }
            // Who is first now has to look when the new lease ends. It sleeps on.
            if let (next, planned) = done.next, lease.validUntil < planned {
                look(next, at: lease.validUntil, &state)
            }
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
        let before = queue.places.count
        let result = body(&queue)
        state.places += queue.places.count - before
        if state.places == 0 { state.endWatch() }
        if !queue.line.isIdle { state.queues[key] = queue }
        return result
    }
}

extension WaitingRoom {
    /// Sets the timer, unless it rings before that anyway.
    private func look(_ place: Place, at instant: ContinuousClock.Instant, _ state: inout State) {
        guard state.queues[place.key]?.places[place.ticket] != nil else { return }
        state.queues[place.key]?.looks[place.ticket] = instant
        if let watch = state.watch, watch.until <= instant { return }
        state.endWatch()
        state.lastWatch += 1
        let number = state.lastWatch
        let task = Task(executorPreference: preferredExecutor()) { await self.watch(number, from: instant) }
        state.watch = Watch(number: number, until: instant, task: task)
    }

    /// Wakes whose moment has come, until nobody waits. Whoever leaves before does not set the timer back: it
    /// rings, and is set to the next moment.
    private func watch(_ number: Int, from first: ContinuousClock.Instant) async {
        var next: ContinuousClock.Instant? = first
        while let instant = next {
            // Cancelled: another timer, set to an earlier moment, has taken over.
            guard (try? await sleep(instant)) != nil else { return }
            let moment = now()
            let due: [Place]
            (due, next) = state.withLock { state in
                guard state.watch?.number == number else { return ([], nil) }
                let due = state.takeDue(at: moment)
                let next = state.firstLook
                if let next { state.watch?.until = next } else { state.watch = nil }
                return (due, next)
            }
            for place in due { place.signal.signal() }
        }
    }
}
