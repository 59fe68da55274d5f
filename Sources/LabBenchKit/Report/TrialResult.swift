/// One trial as it stands in `results.json`.
struct TrialResult: Sendable, Codable, Equatable {
    struct Audited: Sendable, Codable, Equatable {
        var initialStock: Int
        var answeredSuccess: Int
        var answeredOversellRefused: Int
        var unknown: Int
        @OrNull var rows: Int?
        @OrNull var unitsSold: Int?
        @OrNull var supplied: Int?
        @OrNull var finalStock: Int?
        @OrNull var openReservations: Int?
        @OrNull var openUnits: Int?
        @OrNull var unclearedReservations: Int?
        @OrNull var duplicates: Int?
    }

    struct Shares: Sendable, Codable, Equatable {
        var min: Int
        var max: Int
        @OrNull var jain: Double?
        /// Successes of each user, in the order of their numbers.
        var counts: [Int]
    }

    struct Step: Sendable, Codable, Equatable {
        var successes: Int
        /// Successes times steps per second.
        var perSecond: Double
        /// Units sold up to the end of the step, as the answers say.
        var soldSoFar: Int
        var refusals: Int
        var errors: Int
        @OrNull var p50Us: Double?
        @OrNull var p99Us: Double?
        var slowestUs: Double
    }

    /// What an open load asked for, and what it got.
    struct Offer: Sendable, Codable, Equatable {
        var ratePerSecond: Double
        /// Arrivals meant for the measured window.
        var offered: Int
        /// Arrivals of the window that were sent before it was over.
        var sentInWindow: Int
        /// Never sent, because no connection was free until the end.
        var unsent: Int
        var isSustained: Bool
    }

    /// What a server said about itself.
    struct ServerSide: Sendable, Codable, Equatable {
        @OrNull var countedSales: Int?
        @OrNull var countedRefusals: Int?
        /// Mean delay of its event loops.
        @OrNull var loopLagMs: Double?
        @OrNull var logLines: Int?
    }

    /// What the checks of the measurement looked at, as numbers; null: it was not measured, or does not apply.
    struct Measurement: Sendable, Codable, Equatable {
        /// Share of one core.
        @OrNull var generatorProcessor: Double?
        @OrNull var sockets: Int?
        @OrNull var socketLimit: Int?
        /// Kolmogorov-Smirnov, √n·D.
        @OrNull var arrivalStatistic: Double?
        @OrNull var arrivalGapsDistance: Double?
        /// Second half of the window to its first, and Welch's t.
        @OrNull var driftRatio: Double?
        @OrNull var driftStatistic: Double?
        /// Σ of hold times by wall time, of the product held longest.
        @OrNull var heldShare: Double?
        /// The most that the server had resident, in bytes.
        @OrNull var serverPeakBytes: Int?
    }

    /// How the generator did.
    struct Generator: Sendable, Codable, Equatable {
        struct Pause: Sendable, Codable, Equatable {
            var atMs: Double
            var lengthMs: Double
        }

        /// How late its event loop ran.
        var lateUs: Percentiles
        /// How late arrivals were noticed.
        var lagUs: Percentiles
        /// How long an answer waited for answers that were read in the same turn of the loop; nil in results of before.
        var queueUs: Percentiles?
        var longestPauseMs: Double
        var pauses: [Pause]
    }

    var strategy: String
    var model: LoadModel
    var order: Int
    /// Round, from 1; 0 for a negative control.
    var block: Int
    var isControl: Bool
    var initialStock: Int
    var warmupSeconds: Double
    var durationSeconds: Double
    /// Requests that were sent in the measured window, by outcome.
    var measured: [String: Int]
    /// All answers, warm-up and drain included, by outcome.
    var totals: [String: Int]
    /// Successes by the window's length: sent in the window (closed), answered in it (open).
    var purchasesPerSecond: Double
    /// Null in a closed load.
    @OrNull var offer: Offer?
    /// Successes of all measured requests.
    @OrNull var successShare: Double?
    /// Service time in microseconds by outcome.
    var latencyUs: [String: Percentiles]
    /// Response time in microseconds by outcome, from the intended start; the same in a closed load.
    var responseUs: [String: Percentiles]
    /// The histograms behind `latencyUs` and, of an open load, `responseUs`: value, count, value, count, …
    var latencyHistogramUs: [String: [UInt64]]
    var responseHistogramUs: [String: [UInt64]]
    var waitUs: Percentiles
    var holdUs: Percentiles
    var redisUs: Percentiles
    var sqlUs: Percentiles
    var attempts: Percentiles
    var redisCommands: Percentiles
    var userSuccesses: Shares
    var busyShare: Double
    var reconnections: Int
    /// From the first request on.
    var seriesStepMs: Double
    var series: [Step]
    var generator: Generator
    /// From the first request to the last answer.
    var loadSeconds: Double
    /// Executed by the Redis servers during the load, as they count themselves.
    @OrNull var redisCommandsSeen: Int?
    /// Holds of a lock and overlaps of two of one product, where they can be seen; nil elsewhere.
    var holds: Int?
    var holdOverlaps: Int?
    /// What the server counted and wrote while the load went on; nil: there was none, or it was running before.
    var server: ServerSide?
    /// Nil in results of before.
    var measurement: Measurement?
    /// Histograms behind `waitUs` and `holdUs`: value, count, value, count, …; nil in results of before.
    var waitHistogramUs: [UInt64]?
    var holdHistogramUs: [UInt64]?
    var cpuSeconds: LoadCost
    var audit: Audited
    /// Nil when there was one product.
    var products: [ProductResult]?
    /// Nil in the purchase scenario.
    var journey: JourneyResult?
    var checks: [Check]

    /// A buyer was told "sold out": the numbers are not about selling any more.
    var isSoldOut: Bool { (totals[PurchaseOutcome.soldOut.rawValue] ?? 0) > 0 }

    var violations: [Check] { checks.filter { $0.kind == .correctness && $0.state == .fail } }
}
