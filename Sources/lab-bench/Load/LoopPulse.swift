import NIOCore

/// How late an event loop runs what was due: a pure meter. A generator that was stopped, or that had no
/// processor, shows here, and a server that was stopped does not.
struct LoopPulse: Sendable {
    static let step = TimeAmount.milliseconds(5)

    /// One look at the loop.
    struct Beat: Sendable, Equatable {
        let at: NIODeadline
        let late: TimeAmount
    }

    /// When the loop should run next.
    var expectedAt: NIODeadline

    /// The loop runs now.
    mutating func beat(at now: NIODeadline) -> Beat {
        let beat = Beat(at: now, late: max(now - expectedAt, .zero))
        expectedAt = now + Self.step
        return beat
    }
}
