/// When a lease that is in use is renewed, and when renewing ends. A value: it holds no state of any lease.
public struct RenewalPolicy: Sendable, Hashable {
    /// The next renewal comes when this share of the time to live has passed.
    public let interval: Double
    /// Pause before a renewal that failed is tried again.
    public let retryPause: Duration
    /// How long before the end of its validity a holder is told that the lease is lost: its time to stop.
    public let notice: Duration
    /// After this time from the grant the lease is not renewed any more, whatever the holder does.
    public let maximumHold: Duration

    /// Each parameter is the property of that name.
    public init(
        interval: Double = 1.0 / 3.0, retryPause: Duration = .milliseconds(50),
        notice: Duration = .milliseconds(100), maximumHold: Duration = .seconds(300)
    ) {
        self.interval = interval
        self.retryPause = retryPause
        self.notice = notice
        self.maximumHold = maximumHold
    }
}
