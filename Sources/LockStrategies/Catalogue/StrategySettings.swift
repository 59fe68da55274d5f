/// Policies of all strategies; one initialiser holds every default that is not a strategy's own.
public struct StrategySettings: Sendable, Hashable {
    /// Time after which Redis drops a lock whose holder died.
    public var leaseTimeToLive: Duration
    /// What is taken off a lease for clocks that drift apart.
    public var validity: LeaseValidity
    /// Instead of the policy in a strategy's traits.
    public var retries: [StrategyID: RetryPolicy]

    /// - Parameters:
    ///   - leaseTimeToLive: Longer than the work under a lock takes.
    ///   - validity: What is taken off a lease for the drift of clocks.
    ///   - retries: By strategy, instead of the policy in its traits.
    public init(
        leaseTimeToLive: Duration = .seconds(10), validity: LeaseValidity = LeaseValidity(),
        retries: [StrategyID: RetryPolicy] = [:]
    ) {
        self.leaseTimeToLive = leaseTimeToLive
        self.validity = validity
        self.retries = retries
    }

    /// When the strategy asks again; never, where neither the settings nor its traits say so.
    public func retry(of entry: StrategyEntry) -> RetryPolicy {
        retries[entry.id] ?? entry.traits.retry ?? RetryPolicy(delay: .fixed(.zero), maximumRetries: 0)
    }
}
