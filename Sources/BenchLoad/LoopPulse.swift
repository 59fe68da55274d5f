import NIOCore

/// How late an event loop comes to what is due, and whether it stood still: a pure meter. A generator that
/// was stopped, or that had no processor, shows here, and a server that was stopped does not.
///
/// A beat falls due every 5 ms. What counts is when the loop could have come to it: at the first event of the
/// turn in which it is handled. An answer that arrived at the moment of the beat was read in the same turn.
struct LoopPulse: Sendable {
    static let step = TimeAmount.milliseconds(5)

    /// One look at the loop.
    struct Beat: Sendable, Equatable {
        let at: NIODeadline
        /// From the moment at which the beat was due to the turn that came to it.
        let late: TimeAmount
        /// The part of it in which the loop did nothing at all. A loop that is late because it worked did not
        /// stand still.
        let still: TimeAmount
    }

    /// When the timer of the next beat is due.
    private(set) var expectedAt: NIODeadline
    /// The last moment at which the loop is known to have run.
    private var lastRun: NIODeadline
    /// An event came to this beat before its timer did.
    private var isSeen = false

    init(expectedAt: NIODeadline) {
        self.expectedAt = expectedAt
        lastRun = expectedAt
    }

    /// A turn of the loop begins with an event.
    ///
    /// - Returns: The beat, when one was due and was not looked at before.
    mutating func turn(at now: NIODeadline) -> Beat? {
        defer { ran(at: now) }
        guard now >= expectedAt, !isSeen else { return nil }
        isSeen = true
        return Beat(at: now, late: now - expectedAt, still: max(now - max(lastRun, expectedAt), .zero))
    }

    /// The loop runs.
    mutating func ran(at now: NIODeadline) { lastRun = max(lastRun, now) }

    /// The timer runs; the next beat is due one step later.
    ///
    /// - Returns: The beat, unless an event came to it before.
    mutating func beat(at now: NIODeadline) -> Beat? {
        let beat = turn(at: now)
        isSeen = false
        expectedAt = now + Self.step
        return beat
    }
}
