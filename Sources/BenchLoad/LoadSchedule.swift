package import NIOCore

/// When a load sends, measures and ends.
package struct LoadSchedule: Sendable, Equatable {
    package let start: NIODeadline
    /// First and last moment of the measured window.
    private(set) var measureFrom: NIODeadline
    private(set) var measureUntil: NIODeadline
    /// The load goes on, unmeasured, until every measured purchase is answered, but not longer than this:
    /// what is still under way shall not finish in a shop that has become empty.
    private(set) var loadUntil: NIODeadline
    /// No answer is waited for after this.
    private(set) var drainUntil: NIODeadline

    /// - Parameter drain: The longest wait for measured purchases, and then for the others.
    package init(start: NIODeadline, warmup: Duration, duration: Duration, drain: Duration) {
        self.start = start
        measureFrom = start + TimeAmount(warmup)
        measureUntil = measureFrom + TimeAmount(duration)
        loadUntil = measureUntil + TimeAmount(drain)
        drainUntil = loadUntil + TimeAmount(drain)
    }

    /// The same, with a window that begins and ends so much later.
    func postponed(by time: TimeAmount) -> LoadSchedule {
        var later = self
        later.measureFrom = measureFrom + time
        later.measureUntil = measureUntil + time
        later.loadUntil = loadUntil + time
        later.drainUntil = drainUntil + time
        return later
    }

    /// The window is not over.
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
}
