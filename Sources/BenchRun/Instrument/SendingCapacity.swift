import BenchAudit
import BenchLoad
import BenchModel
import NIOCore

/// How many purchases a second this machine can send at the moments that are asked for: Poisson loads of half
/// a second against the built-in server, which does nothing. A real server takes processor time too, so this
/// is what no run can pass, not what every run reaches.
package struct SendingCapacity: Sendable {
    /// Connections of the load.
    package var users: Int
    package var window: Duration

    package init(users: Int = 100, window: Duration = .milliseconds(500)) {
        self.users = users
        self.window = window
    }
    /// Beyond it nothing is asked for.
    package static let most = 200_000.0

    /// Whether a rate is sent as asked, by the limits that a trial has: few arrivals are late by more than
    /// matters, and nobody is left over.
    func keeps(_ rate: Double) async throws -> Bool {
        // A lower rate needs a longer look to show anything.
        let length = max(window, .nanoseconds(Int64(min(100 / rate, 2) * 1e9)))
        let load = DelayLoad(
            server: DelayPlan(delay: .zero), users: users,
            plan: LoadPlan(
                warmup: .milliseconds(100), duration: length, drain: .seconds(2),
                arrivals: ArrivalSchedule(
                    .poisson, ratePerSecond: rate, length: length + .milliseconds(100), seed: 1)))
        let record = try await load.run()
        let arrivals = record.generator.arrivals
        let late = arrivals.count { Double($0.seen - $0.due) / 1e6 > Audit.leastErrorMs }
        let account = record.openAccount ?? LoadLine.Account()
        return account.isSustained && Double(late) <= Audit.mostDisplaced * Double(max(arrivals.count, 1))
    }

    /// The highest rate that is kept, to a tenth.
    ///
    /// - Parameter rate: Not kept, or not known to be.
    package func highest(below rate: Double = most) async throws -> Double {
        var (low, high) = (1.0, rate)
        while high / low > 1.1 {
            try Task.checkCancellation()
            let middle = (low * high).squareRoot()
            if try await keeps(middle) { low = middle } else { high = middle }
        }
        return Self.short(low)
    }

    /// Two significant digits, rounded down: it is no more exact.
    package static func short(_ rate: Double) -> Double {
        var step = 1.0
        while rate / step >= 100 { step *= 10 }
        return (rate / step).rounded(.down) * step
    }
}
