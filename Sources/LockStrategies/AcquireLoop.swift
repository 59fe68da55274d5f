/// Tries until a lease is granted, the schedule gives up, or an error ends it: the host of
/// ``RetrySchedule``.
struct AcquireLoop<C: MonotonicClock>: Sendable {
    let clock: C
    let random: RandomSource
    let retry: RetryPolicy

    /// - Parameter attempt: One try: a lease, or nil when somebody else holds the lock.
    func run(
        deadline: ContinuousClock.Instant,
        attempt: (inout Evidence) async throws(StrategyError) -> Lease?
    ) async throws(StrategyError) -> AcquireOutcome {
        let began = clock.now
        var evidence = Evidence()
        var schedule = RetrySchedule(policy: retry, deadline: deadline)
        do throws(StrategyError) {
            while true {
                evidence.attempts += 1
                if let lease = try await attempt(&evidence) {
                    evidence.waited = began.duration(to: clock.now)
                    return .granted(lease, evidence: evidence)
                }
                switch schedule.attemptFailed(now: clock.now, random: random) {
                case .giveUp:
                    evidence.waited = began.duration(to: clock.now)
                    return .contended(evidence: evidence)
                case .retry(let pause):
                    try await sleep(pause)
                }
            }
        } catch {
            evidence.waited = began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }

    private func sleep(_ pause: Duration) async throws(StrategyError) {
        do {
            try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
        } catch {
            throw StrategyError(.cancelled, "cancelled while waiting for the lock")
        }
    }
}
