import InventoryService
import LockStrategies

/// The cost of a purchase as a W3C Server-Timing header, so that browsers and the bench can read it.
enum ServerTimingHeader {
    /// `wait` and `hold` of the lock, time in `redis` and `sql`, all in milliseconds; `attempts` at the lock
    /// and `commands` sent to Redis as counts.
    static func text(_ timings: PurchaseTimings) -> String {
        let evidence = timings.evidence
        return "wait;dur=\(milliseconds(evidence.waited)), hold;dur=\(milliseconds(evidence.held)), "
            + "redis;dur=\(milliseconds(timings.redis)), sql;dur=\(milliseconds(timings.sql)), "
            + "attempts;desc=\"\(evidence.attempts)\", commands;desc=\"\(evidence.commandsSent)\""
    }

    /// With three decimals, rounded down to the microsecond.
    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        let rest = microseconds % 1000
        return "\(microseconds / 1000).\(rest < 100 ? "0" : "")\(rest < 10 ? "0" : "")\(rest)"
    }
}
