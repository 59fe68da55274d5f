/// How long a client leaves a server alone after failed attempts to connect.
///
/// Pure: the jitter comes in as a number, so a test can name it.
struct ReconnectPolicy: Sendable {
    let base: Duration
    let cap: Duration

    /// Between half and all of min(cap, base · 2ⁿ⁻¹) after `failures` attempts ("equal jitter").
    func pause(afterFailures failures: Int, jitter: Double) -> Duration {
        let doublings = min(max(failures, 1) - 1, 20)
        let full = min(cap, base * (1 << doublings))
        return full / 2 + (full / 2) * jitter
    }
}
