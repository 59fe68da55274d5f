/// Where a connection stands, and until when it may stay there: a pure decision on the times of the parts
/// that come and go.
struct ConnectionPhase: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a connection may take for what.
    struct Limits: Sendable, Hashable {
        /// From the opening to the end of the first request's headers.
        var head = Duration.seconds(10)
        /// From the headers to the end of the body, however it drips.
        var body = Duration.seconds(20)
        /// From the headers to the end of the answer.
        var total = Duration.seconds(60)
        /// Between the answer and the next request's headers.
        var idle = Duration.seconds(60)
        /// Bytes of a body that are read, to be thrown away, beyond what a route takes.
        var bodyBytes = 1 << 20

        /// How often a connection is looked at: the shortest limit is kept within a quarter of itself.
        var interval: Duration { max(min(head, body, total, idle) / 4, .milliseconds(10)) }
    }

    enum Verdict: Sendable, Equatable {
        case wait
        /// Nothing was asked: the connection is closed without a word.
        case close
        /// The request did not come to its end.
        case refuseRequest
        /// The answer did not.
        case giveUp
    }

    private enum Phase {
        case opened
        case reading
        case answering
        case idle
    }

    private let limits: Limits
    private var phase = Phase.opened
    private var since: Instant
    private var isBodyRead = false
    /// The answer's headers are on their way: no other answer can be given.
    private(set) var isAnswerBegun = false

    init(_ limits: Limits, at now: Instant) {
        self.limits = limits
        since = now
    }

    /// Whether a request is being read or answered.
    var isBusy: Bool { phase == .reading || phase == .answering }

    mutating func headRead(at now: Instant) {
        phase = .reading
        since = now
        isBodyRead = false
        isAnswerBegun = false
    }

    mutating func bodyRead(at now: Instant) {
        isBodyRead = true
        if phase == .reading { phase = .answering }
        if phase == .idle { since = now }
    }

    mutating func answerBegun() { isAnswerBegun = true }

    mutating func answerEnded(at now: Instant) {
        // A body that nobody wants any more is still read to its end, within the body's limit.
        if isBodyRead {
            phase = .idle
            since = now
        }
    }

    func verdict(at now: Instant) -> Verdict {
        let age = since.duration(to: now)
        switch phase {
        case .opened: return age >= limits.head ? .close : .wait
        case .idle: return age >= limits.idle ? .close : .wait
        case .reading: return age >= min(limits.body, limits.total) ? .refuseRequest : .wait
        case .answering: return age >= limits.total ? .giveUp : .wait
        }
    }
}
