/// What one call cost, recorded on success, failure and cancellation alike.
public struct Evidence: Sendable, Equatable {
    /// Tries to obtain the lock, or to run the atomic step.
    public var attempts: Int
    /// From the call to the grant of the lock (or to giving up). Without a lock: the wait in line, and the
    /// attempts that did not decide.
    public var waited: Duration
    /// From the grant to the moment when the release is sent: the time in which nobody else can have had the
    /// lock, so the holds of one key never overlap. For a strategy without a lock: the atomic step itself.
    public var held: Duration
    /// Redis commands sent until the answer, over all nodes. What was sent together with commands that the
    /// call waited for counts, whether its own reply is waited for or not; what is sent after the answer does
    /// not, nor does what the client sends for itself.
    public var commandsSent: Int
    /// Leases that had ended when they were given back: somebody else may have been inside.
    public var lostLeases: Int
    /// Releases that failed, or were withheld because a write may still have been under way; the lock then
    /// stays until its time to live ends.
    public var failedReleases: Int
    /// Writes that Redis refused because a newer grant of the lock was made.
    public var refusedWrites: Int

    /// Each parameter is the property of that name; a call that cost nothing has none of them.
    public init(
        attempts: Int = 0, waited: Duration = .zero, held: Duration = .zero, commandsSent: Int = 0,
        lostLeases: Int = 0, failedReleases: Int = 0, refusedWrites: Int = 0
    ) {
        self.attempts = attempts
        self.waited = waited
        self.held = held
        self.commandsSent = commandsSent
        self.lostLeases = lostLeases
        self.failedReleases = failedReleases
        self.refusedWrites = refusedWrites
    }

    static func + (left: Evidence, right: Evidence) -> Evidence {
        Evidence(
            attempts: left.attempts + right.attempts,
            waited: left.waited + right.waited,
            held: left.held + right.held,
            commandsSent: left.commandsSent + right.commandsSent,
            lostLeases: left.lostLeases + right.lostLeases,
            failedReleases: left.failedReleases + right.failedReleases,
            refusedWrites: left.refusedWrites + right.refusedWrites)
    }
}
