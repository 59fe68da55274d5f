/// The clock of every strategy: monotonic, never the wall clock.
///
/// Instants are `ContinuousClock.Instant` so that deadlines and validities are plain values; a test clock
/// conforms with instants of its own making.
public protocol MonotonicClock: Clock, Sendable
where Instant == ContinuousClock.Instant, Duration == Swift.Duration {}

extension ContinuousClock: MonotonicClock {}
