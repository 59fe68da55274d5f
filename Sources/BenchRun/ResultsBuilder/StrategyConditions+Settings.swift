import BenchResults
import LockStrategies

extension StrategyConditions {
    /// - Parameter policies: Those that the run was made with.
    init(_ strategy: StrategyEntry, _ policies: StrategySettings) {
        let traits = strategy.traits
        let hasLease = traits.abilities.contains(.leases)
        self.init(
            id: strategy.name, leaseTtlMs: hasLease ? policies.leaseTimeToLive / .milliseconds(1) : nil,
            retry: traits.retry.map { _ in Retry(policies.retry(of: strategy)) },
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
