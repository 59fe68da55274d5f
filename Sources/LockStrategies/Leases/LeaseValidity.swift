/// How long a holder may rely on a grant.
///
/// The server starts to count at some moment between sending and answering, so the holder counts from before
/// it asked; and the two clocks may run at different speeds, so a drift is taken off.
/// Source: the Redlock algorithm, redis.io, "Distributed Locks with Redis".
public struct LeaseValidity: Sendable, Hashable {
    /// Share of the time to live that two clocks may drift apart.
    public let driftFactor: Double
    /// Taken off as well: the resolution of expiry in Redis and of timers.
    public let driftConstant: Duration

    /// - Parameters:
    ///   - driftFactor: A share, from 0 to below 1.
    ///   - driftConstant: Taken off as well.
    public init(driftFactor: Double = 0.01, driftConstant: Duration = .milliseconds(2)) {
        self.driftFactor = driftFactor
        self.driftConstant = driftConstant
    }

    /// The instant from which the holder must not act, for a command sent at `asked`.
    ///
    /// - Parameters:
    ///   - asked: Read before the command was sent, so that it is not later than the begin of the lease in
    ///     Redis.
    ///   - timeToLive: As the command named it.
    public func end(asked: ContinuousClock.Instant, timeToLive: Duration) -> ContinuousClock.Instant {
        asked + timeToLive - drift(timeToLive)
    }

    /// `timeToLive` in whole milliseconds, if a lease of that length can be valid at all.
    func checked(_ timeToLive: Duration) throws(StrategyError) -> Int64 {
        let milliseconds = Int64(timeToLive / .milliseconds(1))
        guard milliseconds >= 1, timeToLive - drift(timeToLive) > .zero else {
            throw StrategyError(
                .invalidRequest,
                "a time to live of \(timeToLive) is not above its clock drift of \(drift(timeToLive)): "
                    + "choose a longer one")
        }
        return milliseconds
    }

    private func drift(_ timeToLive: Duration) -> Duration {
        timeToLive * driftFactor + driftConstant
    }
}
