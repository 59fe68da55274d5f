/// How long the tasks of one process take a lock in turn before they leave it free for a moment. Pure.
///
/// A release and the next request of the same process reach a node in one piece, so another process, which
/// asks now and then, would hardly ever find the lock free. After a run, the next task waits for a moment, in
/// which others ask. When the lock is still free then, probably nobody else wants it, and the next run may be
/// twice as long; when it is taken, runs are short again. A moment in which no task of the process wants
/// the lock is such a chance too, and ends a run.
struct OwnRun: Sendable {
    /// The first run, and each one after somebody else had the lock.
    static let shortest = Duration.milliseconds(20)
    /// No run is longer, but for the lease that it ends with.
    static let longest = Duration.milliseconds(640)

    private var began: ContinuousClock.Instant?
    private var length = shortest
    private var isYielding = false

    /// Runs have become longer: worth remembering while nobody of this process wants the lock.
    var isGrown: Bool { length > Self.shortest }

    /// True when the task that is to ask has to leave the lock free first.
    mutating func mustYield(at now: ContinuousClock.Instant) -> Bool {
        guard let began, began.duration(to: now) >= length else { return false }
        isYielding = true
        return true
    }

    /// A task of this process has got the lock.
    ///
    /// - Parameter tries: More than one: somebody else had it meanwhile.
    mutating func granted(after tries: Int, at now: ContinuousClock.Instant) {
        if tries > 1 {
            length = Self.shortest
            began = now
        } else if isYielding {
            length = min(length * 2, Self.longest)
            began = now
        } else if began == nil {
            began = now
        }
        isYielding = false
    }

    /// No task of this process has the lock or wants it: others may take it.
    mutating func ended() {
        began = nil
        isYielding = false
    }
}
