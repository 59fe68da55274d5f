package import NIOCore

/// When a load sends, measures and ends.
package struct LoadSchedule: Sendable, Equatable {
    package let start: NIODeadline
    /// First and last moment of the measured window.
    let measureFrom: NIODeadline
    let measureUntil: NIODeadline
    /// No answer is waited for after this.
    let drainUntil: NIODeadline

    package init(start: NIODeadline, warmup: Duration, duration: Duration, drain: Duration) {
        self.start = start
        measureFrom = start + TimeAmount(warmup)
        measureUntil = measureFrom + TimeAmount(duration)
        drainUntil = measureUntil + TimeAmount(drain)
    }

    /// The next purchase may be sent now.
    func maySend(at now: NIODeadline) -> Bool { now < measureUntil }

    /// How much of warm-up and window is over, 0 to 1.
    package func share(at now: NIODeadline) -> Double {
        let whole = Double((measureUntil - start).nanoseconds)
        return whole > 0 ? min(max(Double((now - start).nanoseconds) / whole, 0), 1) : 1
    }

    /// A purchase that was meant to begin at `sent` counts.
    func isMeasured(sent: NIODeadline) -> Bool { sent >= measureFrom && sent < measureUntil }

    /// An answer at `done` belongs to the window.
    func isInWindow(_ done: NIODeadline) -> Bool { isMeasured(sent: done) }

    /// The part of a request's time that lies in the measured window.
    package func busy(sent: NIODeadline, done: NIODeadline) -> TimeAmount {
        let overlap = min(done, measureUntil) - max(sent, measureFrom)
        return max(overlap, .zero)
    }
}
