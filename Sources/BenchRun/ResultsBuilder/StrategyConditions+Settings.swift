import BenchResults
import LockStrategies

extension StrategyConditions {
    /// - Parameter policies: Those that the run was made with.
    init(_ id: StrategyID, _ policies: StrategySettings) {
        let traits = id.traits
        let hasLease = traits.abilities.contains(.leases)
        self.init(
            id: id.rawValue, leaseTtlMs: hasLease ? policies.leaseTimeToLive / .milliseconds(1) : nil,
            retry: traits.retry.map { _ in Retry(policies.retry(of: id)) },
            criticalSection: traits.criticalSection)
    }
}

extension StrategyConditions.Retry {
    init(_ policy: RetryPolicy) {
        switch policy.delay {
        case .fixed(let pause):
            self.init(
                delay: "fixed", baseMs: pause / .milliseconds(1), capMs: nil,
                maximumRetries: policy.maximumRetries)
        case .exponentialFullJitter(let base, let cap):
            self.init(
                delay: "exponential-full-jitter", baseMs: base / .milliseconds(1),
                capMs: cap / .milliseconds(1), maximumRetries: policy.maximumRetries)
        }
    }
}
