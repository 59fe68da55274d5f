/// Policies of all strategies; one initialiser holds every default.
public struct StrategySettings: Sendable, Hashable {
    /// Time after which Redis drops a lock whose holder died.
    public var leaseTimeToLive: Duration
    public var spin: RetryPolicy
    public var backoff: RetryPolicy
    public var redlock: RetryPolicy
    /// What is taken off a lease for clocks that drift apart.
    public var validity: LeaseValidity

    public init(
        leaseTimeToLive: Duration = .seconds(10),
        spin: RetryPolicy = RetryPolicy(delay: .fixed(.milliseconds(5))),
        backoff: RetryPolicy = RetryPolicy(
            delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(100))),
        redlock: RetryPolicy = RetryPolicy(
            delay: .exponentialFullJitter(base: .milliseconds(5), cap: .milliseconds(200))),
        validity: LeaseValidity = LeaseValidity()
    ) {
        self.leaseTimeToLive = leaseTimeToLive
        self.spin = spin
        self.backoff = backoff
        self.redlock = redlock
        self.validity = validity
    }
}
