import InventoryService
import LockStrategies

/// The cost of a purchase as a W3C Server-Timing header, so that browsers and the bench can read it.
enum ServerTimingHeader {
    /// `wait` and `hold` of the lock, time in `redis` and `sql`, all in milliseconds; `attempts` at the lock
    /// and `commands` sent to Redis as counts.
    static func text(_ timings: PurchaseTimings) -> String {
        let evidence = timings.evidence
        var text = ""
        text.reserveCapacity(127)
        text += "wait;dur="
        append(evidence.waited, to: &text)
        text += ", hold;dur="
        append(evidence.held, to: &text)
        text += ", redis;dur="
        append(timings.redis, to: &text)
        text += ", sql;dur="
        append(timings.sql, to: &text)
        text += ", attempts;desc=\""
        text += String(evidence.attempts)
        text += "\", commands;desc=\""
        text += String(evidence.commandsSent)
        text += "\""
        return text
    }

    /// With three decimals, rounded down to the microsecond.
    private static func append(_ duration: Duration, to text: inout String) {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        let rest = microseconds % 1000
        text += String(microseconds / 1000)
        text += rest < 10 ? ".00" : rest < 100 ? ".0" : "."
        text += String(rest)
    }
}
