package import BenchModel
package import BenchStatistics

/// One trial as it stands in `results.json`.
package struct TrialResult: Sendable, Codable, Equatable {
    package struct Audited: Sendable, Codable, Equatable {
        package var initialStock: Int
        package var answeredSuccess: Int
        package var answeredOversellRefused: Int
        package var unknown: Int
        @OrNull package var rows: Int?
        @OrNull package var unitsSold: Int?
        @OrNull package var supplied: Int?
        @OrNull package var finalStock: Int?
        @OrNull package var openReservations: Int?
        @OrNull package var openUnits: Int?
        @OrNull package var unclearedReservations: Int?
        @OrNull package var duplicates: Int?

        package init(
            initialStock: Int, answeredSuccess: Int, answeredOversellRefused: Int, unknown: Int, rows: Int?,
            unitsSold: Int?, supplied: Int?, finalStock: Int?, openReservations: Int?, openUnits: Int?,
            unclearedReservations: Int?, duplicates: Int?
        ) {
            self.initialStock = initialStock
            self.answeredSuccess = answeredSuccess
            self.answeredOversellRefused = answeredOversellRefused
            self.unknown = unknown
            self.rows = rows
            self.unitsSold = unitsSold
            self.supplied = supplied
            self.finalStock = finalStock
            self.openReservations = openReservations
            self.openUnits = openUnits
            self.unclearedReservations = unclearedReservations
            self.duplicates = duplicates
        }
    }

    package struct Shares: Sendable, Codable, Equatable {
        package var min: Int
        package var max: Int
        @OrNull package var jain: Double?
        /// Successes of each user, in the order of their numbers.
        package var counts: [Int]

        package init(min: Int, max: Int, jain: Double?, counts: [Int]) {
            self.min = min
            self.max = max
            self.jain = jain
            self.counts = counts
        }
    }

    package struct Step: Sendable, Codable, Equatable {
        package var successes: Int
        /// Successes times steps per second.
        package var perSecond: Double
        /// Units sold up to the end of the step, as the answers say.
        package var soldSoFar: Int
        package var refusals: Int
        package var errors: Int
        @OrNull package var p50Us: Double?
        @OrNull package var p99Us: Double?
        package var slowestUs: Double

        package init(
            successes: Int, perSecond: Double, soldSoFar: Int, refusals: Int, errors: Int, p50Us: Double?,
            p99Us: Double?, slowestUs: Double
        ) {
            self.successes = successes
            self.perSecond = perSecond
            self.soldSoFar = soldSoFar
            self.refusals = refusals
            self.errors = errors
            self.p50Us = p50Us
            self.p99Us = p99Us
            self.slowestUs = slowestUs
        }
    }

    /// What an open load asked for, and what it got.
    package struct Offer: Sendable, Codable, Equatable {
        package var ratePerSecond: Double
        /// Arrivals meant for the measured window.
        package var offered: Int
        /// Arrivals of the window that were sent before it was over.
        package var sentInWindow: Int
        /// Never sent, because no connection was free until the end.
        package var unsent: Int
        package var isSustained: Bool

        package init(ratePerSecond: Double, offered: Int, sentInWindow: Int, unsent: Int, isSustained: Bool) {
            self.ratePerSecond = ratePerSecond
            self.offered = offered
            self.sentInWindow = sentInWindow
            self.unsent = unsent
            self.isSustained = isSustained
        }
    }

    /// What a server said about itself.
    package struct ServerSide: Sendable, Codable, Equatable {
        @OrNull package var countedSales: Int?
        @OrNull package var countedRefusals: Int?
        /// Mean delay of its event loops.
        @OrNull package var loopLagMs: Double?
        @OrNull package var logLines: Int?

        package init(countedSales: Int?, countedRefusals: Int?, loopLagMs: Double?, logLines: Int?) {
            self.countedSales = countedSales
            self.countedRefusals = countedRefusals
            self.loopLagMs = loopLagMs
            self.logLines = logLines
        }
    }

    /// What the checks of the measurement looked at, as numbers; null: it was not measured, or does not
    /// apply.
    package struct Measurement: Sendable, Codable, Equatable {
        /// Share of one core.
        @OrNull package var generatorProcessor: Double?
        @OrNull package var sockets: Int?
        @OrNull package var socketLimit: Int?
        /// Kolmogorov-Smirnov, √n·D.
        @OrNull package var arrivalStatistic: Double?
        @OrNull package var arrivalGapsDistance: Double?
        /// Second half of the window to its first, and Welch's t.
        @OrNull package var driftRatio: Double?
        @OrNull package var driftStatistic: Double?
        /// Σ of hold times by wall time, of the product held longest.
        @OrNull package var heldShare: Double?
        /// The most that the server had resident, in bytes.
        @OrNull package var serverPeakBytes: Int?

        package init(
            generatorProcessor: Double?, sockets: Int?, socketLimit: Int?, arrivalStatistic: Double?,
            arrivalGapsDistance: Double?, driftRatio: Double?, driftStatistic: Double?, heldShare: Double?,
            serverPeakBytes: Int?
        ) {
            self.generatorProcessor = generatorProcessor
            self.sockets = sockets
            self.socketLimit = socketLimit
            self.arrivalStatistic = arrivalStatistic
            self.arrivalGapsDistance = arrivalGapsDistance
            self.driftRatio = driftRatio
            self.driftStatistic = driftStatistic
            self.heldShare = heldShare
            self.serverPeakBytes = serverPeakBytes
        }
    }

    /// How the generator did.
    package struct Generator: Sendable, Codable, Equatable {
        package struct Pause: Sendable, Codable, Equatable {
            package var atMs: Double
            package var lengthMs: Double

            package init(atMs: Double, lengthMs: Double) {
                self.atMs = atMs
                self.lengthMs = lengthMs
            }
        }

        /// How late its event loop ran.
        package var lateUs: Percentiles
        /// How late arrivals were noticed.
        package var lagUs: Percentiles
        /// How long an answer waited for answers that were read in the same turn of the loop; nil in results
        /// of before.
        package var queueUs: Percentiles?
        package var longestPauseMs: Double
        package var pauses: [Pause]

        package init(
            lateUs: Percentiles, lagUs: Percentiles, queueUs: Percentiles? = nil, longestPauseMs: Double,
            pauses: [Pause]
        ) {
            self.lateUs = lateUs
            self.lagUs = lagUs
            self.queueUs = queueUs
            self.longestPauseMs = longestPauseMs
            self.pauses = pauses
        }
    }

    package var strategy: String
    package var model: LoadModel
    package var order: Int
    /// Round, from 1; 0 for a negative control.
    package var block: Int
    package var isControl: Bool
    package var initialStock: Int
    /// What it took until the load was warm; as long as was asked for in results of before 2.4.
    package var warmupSeconds: Double
    package var durationSeconds: Double
    /// Requests that were sent in the measured window, by outcome.
    package var measured: [String: Int]
    /// All answers, warm-up and drain included, by outcome.
    package var totals: [String: Int]
    /// Successes by the window's length: sent in the window (closed), answered in it (open).
    package var purchasesPerSecond: Double
    /// Null in a closed load.
    @OrNull package var offer: Offer?
    /// Successes of all measured requests.
    @OrNull package var successShare: Double?
    /// Service time in microseconds by outcome.
    package var latencyUs: [String: Percentiles]
    /// Response time in microseconds by outcome, from the intended start; the same in a closed load.
    package var responseUs: [String: Percentiles]
    /// The histograms behind `latencyUs` and, of an open load, `responseUs`: value, count, value, count, …
    package var latencyHistogramUs: [String: [UInt64]]
    package var responseHistogramUs: [String: [UInt64]]
    package var waitUs: Percentiles
    package var holdUs: Percentiles
    package var redisUs: Percentiles
    package var sqlUs: Percentiles
    package var attempts: Percentiles
    package var redisCommands: Percentiles
    package var userSuccesses: Shares
    package var busyShare: Double
    package var reconnections: Int
    /// From the first request on.
    package var seriesStepMs: Double
    package var series: [Step]
    package var generator: Generator
    /// From the first request to the last answer.
    package var loadSeconds: Double
    /// Executed by the Redis servers during the load, as they count themselves.
    @OrNull package var redisCommandsSeen: Int?
    /// Holds of a lock and overlaps of two of one product, where they can be seen; nil elsewhere.
    package var holds: Int?
    package var holdOverlaps: Int?
    /// What the server counted and wrote while the load went on; nil: there was none, or it was running
    /// before.
    package var server: ServerSide?
    /// Nil in results of before.
    package var measurement: Measurement?
    /// Histograms behind `waitUs` and `holdUs`: value, count, value, count, …; nil in results of before.
    package var waitHistogramUs: [UInt64]?
    package var holdHistogramUs: [UInt64]?
    package var cpuSeconds: LoadCost
    package var audit: Audited
    /// Nil when there was one product.
    package var products: [ProductResult]?
    /// Nil in the purchase scenario.
    package var journey: JourneyResult?
    /// Nil: nothing was broken.
    package var struck: StruckTrial?
    package var checks: [Check]

    package init(
        strategy: String, model: LoadModel, order: Int, block: Int, isControl: Bool, initialStock: Int,
        warmupSeconds: Double, durationSeconds: Double, measured: [String: Int], totals: [String: Int],
        purchasesPerSecond: Double, offer: Offer?, successShare: Double?, latencyUs: [String: Percentiles],
        responseUs: [String: Percentiles], latencyHistogramUs: [String: [UInt64]],
        responseHistogramUs: [String: [UInt64]], waitUs: Percentiles, holdUs: Percentiles,
        redisUs: Percentiles, sqlUs: Percentiles, attempts: Percentiles, redisCommands: Percentiles,
        userSuccesses: Shares, busyShare: Double, reconnections: Int, seriesStepMs: Double, series: [Step],
        generator: Generator, loadSeconds: Double, redisCommandsSeen: Int?, holds: Int? = nil,
        holdOverlaps: Int? = nil, server: ServerSide? = nil, measurement: Measurement? = nil,
        waitHistogramUs: [UInt64]? = nil, holdHistogramUs: [UInt64]? = nil, cpuSeconds: LoadCost,
        audit: Audited, products: [ProductResult]? = nil, journey: JourneyResult? = nil,
        struck: StruckTrial? = nil,
        checks: [Check]
    ) {
        self.strategy = strategy
        self.model = model
        self.order = order
        self.block = block
        self.isControl = isControl
        self.initialStock = initialStock
        self.warmupSeconds = warmupSeconds
        self.durationSeconds = durationSeconds
        self.measured = measured
        self.totals = totals
        self.purchasesPerSecond = purchasesPerSecond
        self.offer = offer
        self.successShare = successShare
        self.latencyUs = latencyUs
        self.responseUs = responseUs
        self.latencyHistogramUs = latencyHistogramUs
        self.responseHistogramUs = responseHistogramUs
        self.waitUs = waitUs
        self.holdUs = holdUs
        self.redisUs = redisUs
        self.sqlUs = sqlUs
        self.attempts = attempts
        self.redisCommands = redisCommands
        self.userSuccesses = userSuccesses
        self.busyShare = busyShare
        self.reconnections = reconnections
        self.seriesStepMs = seriesStepMs
        self.series = series
        self.generator = generator
        self.loadSeconds = loadSeconds
        self.redisCommandsSeen = redisCommandsSeen
        self.holds = holds
        self.holdOverlaps = holdOverlaps
        self.server = server
        self.measurement = measurement
        self.waitHistogramUs = waitHistogramUs
        self.holdHistogramUs = holdHistogramUs
        self.cpuSeconds = cpuSeconds
        self.audit = audit
        self.products = products
        self.journey = journey
        self.struck = struck
        self.checks = checks
    }

    /// A buyer was told "sold out": the numbers are not about selling any more.
    var isSoldOut: Bool { (totals[BuyerOutcome.soldOut.rawValue] ?? 0) > 0 }

    package var violations: [Check] { checks.filter { $0.kind == .correctness && $0.state == .fail } }
}
