/// Tries until a lease is granted, the schedule gives up, or an error ends it: the host of
/// ``RetrySchedule``.
struct AcquireLoop<C: MonotonicClock>: Sendable {
    let clock: C
    let random: RandomSource
    let retry: RetryPolicy

    func run(
        deadline: ContinuousClock.Instant,
        attempt: (inout Evidence) async throws(StrategyError) -> Lease?
    ) async throws(StrategyError) -> AcquireOutcome {
        try await run(
            deadline: deadline, after: Evidence(),
            wait: { pause throws(StrategyError) in
                try await clock.pause(pause, before: "the lock")
            },
            attempt: attempt)
    }

    /// - Parameters:
    ///   - before: What the acquisition has cost already.
    ///   - wait: Waits between two tries, for the time that the schedule says or until it is worth a try.
    ///   - attempt: One try: a lease, or nil when somebody else holds the lock.
    func run(
        deadline: ContinuousClock.Instant, after before: Evidence,
        wait: (Duration) async throws(StrategyError) -> Void,
        attempt: (inout Evidence) async throws(StrategyError) -> Lease?
    ) async throws(StrategyError) -> AcquireOutcome {
        let began = clock.now
        var evidence = before
        var schedule = RetrySchedule(policy: retry, deadline: deadline)
        do throws(StrategyError) {
            while true {
                evidence.attempts += 1
                if let lease = try await attempt(&evidence) {
                    evidence.waited = before.waited + began.duration(to: clock.now)
                    return .granted(lease, evidence: evidence)
                }
                switch schedule.attemptFailed(now: clock.now, random: random) {
                case .giveUp:
                    evidence.waited = before.waited + began.duration(to: clock.now)
                    return .contended(evidence: evidence)
                case .retry(let pause):
                    try await wait(pause)
                }
            }
        } catch {
            evidence.waited = before.waited + began.duration(to: clock.now)
            throw error.adding(evidence)
        }
    }
}

extension MonotonicClock {
    /// Sleeps for `pause`; cancellation is an error of its own.
    func pause(_ pause: Duration, before step: String) async throws(StrategyError) {
        do {
            try await sleep(until: now.advanced(by: pause), tolerance: nil)
        } catch {
            throw StrategyError(.cancelled, "cancelled while waiting for \(step)")
        }
    }
}
