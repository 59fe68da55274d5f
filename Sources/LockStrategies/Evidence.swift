/// What one call cost, recorded on success, failure and cancellation alike.
public struct Evidence: Sendable, Equatable {
    /// Tries to obtain the lock, or to run the atomic step.
    public var attempts: Int
    /// From the call to the grant of the lock (or to giving up). Zero where there is no lock.
    public var waited: Duration
    /// From the grant to the end of the release. For a strategy without a lock: the atomic step itself.
    public var held: Duration
    /// Redis commands sent, over all nodes.
    public var commandsSent: Int

    public init(attempts: Int = 0, waited: Duration = .zero, held: Duration = .zero, commandsSent: Int = 0) {
        self.attempts = attempts
        self.waited = waited
        self.held = held
        self.commandsSent = commandsSent
    }

    static func + (left: Evidence, right: Evidence) -> Evidence {
        Evidence(
            attempts: left.attempts + right.attempts,
            waited: left.waited + right.waited,
            held: left.held + right.held,
            commandsSent: left.commandsSent + right.commandsSent)
    }
}
