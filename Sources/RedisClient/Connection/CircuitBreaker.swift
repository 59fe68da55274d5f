/// Whether a server is asked at all. After so many calls in a row without a reply it is left alone for a
/// pause, then one call tries it while the others are still refused; its reply lets all of them through
/// again, its silence begins the next, longer pause.
///
/// Pure: the time and the jitter come in, so a test can name them. Source of the idea: Michael Nygard,
/// "Release It!", 2007, circuit breaker.
struct CircuitBreaker: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What an admitted call brings back to ``note(_:of:at:jitter:)``.
    struct Ticket: Sendable, Equatable {
        /// Its number among all calls.
        fileprivate let number: Int
        /// Pauses begun before the call: what it has to tell of the time before a pause is old.
        fileprivate let pauses: Int
        fileprivate let isTrial: Bool
    }

    enum Admission: Sendable, Equatable {
        case admitted(Ticket)
        case refused
    }

    enum Outcome: Sendable {
        /// Any reply, also one in error.
        case replied
        /// No connection, or no reply, in the time that the call had.
        case silent
        /// The connection ended, or none could be made, before that. It counts once for all calls that were
        /// under way then: they are victims of one event.
        case lost
        /// The caller left before anything was known.
        case untold
    }

    private enum State {
        case closed(silent: Int)
        case open(until: Instant)
        case halfOpen
    }

    private let policy: RedisClient.CircuitPolicy
    private var state = State.closed(silent: 0)
    private var calls = 0
    /// Calls before the last lost connection that was counted.
    private var callsBeforeLoss = 0
    private var pauses = 0
    /// Pauses since the last reply.
    private var pausesInARow = 0

    init(_ policy: RedisClient.CircuitPolicy) {
        self.policy = policy
    }

    var isOpen: Bool {
        if case .closed = state { false } else { true }
    }

    func refuses(at now: Instant) -> Bool {
        switch state {
        case .closed: false
        case .open(let end): now < end
        case .halfOpen: true
        }
    }

    mutating func admit(at now: Instant) -> Admission {
        switch state {
        case .closed:
            return .admitted(ticket(isTrial: false))
        case .open(let end) where now >= end:
            state = .halfOpen
            return .admitted(ticket(isTrial: true))
        case .open, .halfOpen:
            return .refused
        }
    }

    /// For a call that is made although the server is left alone.
    mutating func admitAlways() -> Ticket { ticket(isTrial: false) }

    private mutating func ticket(isTrial: Bool) -> Ticket {
        calls += 1
        return Ticket(number: calls, pauses: pauses, isTrial: isTrial)
    }

    /// - Parameter jitter: From 0 to 1.
    mutating func note(_ outcome: Outcome, of ticket: Ticket, at now: Instant, jitter: Double) {
        switch (outcome, state) {
        case (.replied, _):
            // Whoever is answered late is answered, too.
            state = .closed(silent: 0)
            pausesInARow = 0
        case (.lost, .closed) where ticket.number <= callsBeforeLoss:
            break
        case (.silent, .closed(let silent)) where ticket.pauses == pauses,
            (.lost, .closed(let silent)) where ticket.pauses == pauses:
            if outcome == .lost { callsBeforeLoss = calls }
            if silent + 1 < policy.silentCalls {
                state = .closed(silent: silent + 1)
            } else {
                open(at: now, jitter)
            }
        case (.silent, .halfOpen) where ticket.isTrial && ticket.pauses == pauses,
            (.lost, .halfOpen) where ticket.isTrial && ticket.pauses == pauses:
            open(at: now, jitter)
        case (.untold, .halfOpen) where ticket.isTrial && ticket.pauses == pauses:
            // Nothing was learnt: the next call tries.
            state = .open(until: now)
        case (.silent, _), (.lost, _), (.untold, _):
            break
        }
    }

    private mutating func open(at now: Instant, _ jitter: Double) {
        pauses += 1
        pausesInARow += 1
        let pause = ReconnectPolicy(base: policy.pauseBase, cap: policy.pauseCap)
            .pause(afterFailures: pausesInARow, jitter: jitter)
        state = .open(until: now + pause)
    }
}
