import BenchStatistics
package import Histogram
package import NIOCore

/// How well the generator kept its own promises, apart from the server.
package struct GeneratorRecord: Sendable {
    /// The generator did nothing for so long.
    package struct Pause: Sendable, Equatable {
        /// Its end, since the start of the load.
        package let at: TimeAmount
        package let length: TimeAmount
    }

    /// A request of an open load, in nanoseconds since the start of the load.
    package struct Arrival: Sendable, Equatable {
        package let due: Int64
        /// When the generator noticed that it was due, and sent it if a user was free.
        package let seen: Int64
    }

    /// A pause at least so long is kept as an event.
    static let notable = TimeAmount.milliseconds(50)
    private static let mostPauses = 200
    static let mostArrivals = 100_000

    /// How late the generator's loop came to what was due in the measured window, in microseconds.
    package private(set) var late = TimeHistogram.empty()
    /// How long an answer of the measured window waited for answers that were read in the same turn of the
    /// loop, in microseconds: the user's next request was sent so much later. Empty where the load is not
    /// read by one loop.
    package private(set) var queue = TimeHistogram.empty()
    /// How late arrivals of the measured window were noticed, in microseconds; empty in a closed load.
    package private(set) var lag = TimeHistogram.empty()
    package private(set) var longestPause = TimeAmount.zero
    /// Σ of the pauses of the measured window that are kept as events.
    package private(set) var stoodStill = TimeAmount.zero
    package private(set) var pauses: [Pause] = []
    /// Arrivals of the measured window; the first 100,000.
    package private(set) var arrivals: [Arrival] = []

    /// All arrivals of the measured window, kept or not.
    package var arrivalCount: Int { Int(lag.totalCount) }

    /// False when the measured window had more than are kept.
    package private(set) var keptAllArrivals = true

    package var longestPauseMs: Double { Double(longestPause.nanoseconds) / 1e6 }

    /// What the generator's lateness adds to a time that it measures, each part with its own distribution: of
    /// an open load also the time until an arrival is noticed.
    package var lateness: [Histogram<UInt64>] { [late, lag].filter { $0.totalCount > 0 } }

    package mutating func add(at: TimeAmount, late length: TimeAmount, still: TimeAmount, isMeasured: Bool) {
        if still >= Self.notable && pauses.count < Self.mostPauses {
            pauses.append(Pause(at: at, length: still))
        }
        guard isMeasured else { return }
        late.record(LoadRecord.microseconds(length))
        longestPause = max(longestPause, still)
        if still >= Self.notable { stoodStill = stoodStill + still }
    }

    mutating func addQueue(_ length: TimeAmount) { queue.record(LoadRecord.microseconds(length)) }

    mutating func addArrival(due: TimeAmount, seen: TimeAmount, isMeasured: Bool) {
        guard isMeasured else { return }
        lag.record(LoadRecord.microseconds(seen - due))
        if arrivals.count < Self.mostArrivals {
            arrivals.append(Arrival(due: due.nanoseconds, seen: seen.nanoseconds))
        } else {
            keptAllArrivals = false
        }
    }
}
