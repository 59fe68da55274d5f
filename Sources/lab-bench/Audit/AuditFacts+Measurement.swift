import Foundation
import LockStrategies

extension AuditFacts {
    /// The generator in one trial.
    struct Generator: Sendable, Equatable {
        /// Of one core; nil could not be read.
        var processorShare: Double?
        /// False: the service ran in the same process.
        var isAlone: Bool
        /// p99 of loop and arrivals, the worse one.
        var lateMs: Double
        var longestPauseMs: Double
        var sockets: Int
        var socketLimit: Int
    }

    /// Of an open load.
    struct Arrivals: Sendable, Equatable {
        /// √n·D of the moments of sending, or of the gaps that were asked for, the worse one; nil for too few
        /// arrivals.
        var statistic: Double?
        /// Nil unless it is a Poisson load: the gaps of a constant one are all the same.
        var gaps: Gaps?
    }

    struct Gaps: Sendable, Equatable {
        /// The largest distance between the distributions of the gaps of sending and of those that were asked for;
        /// nil for too few.
        var displaced: Double?
    }

    struct Commands: Sendable, Equatable {
        /// By all Redis servers of the trial; nil could not be read.
        var seen: Int?
        /// By the answers that were successes.
        var reported: Int
    }

    /// Reservations as Redis counted them, against those that the answers speak of.
    struct Sales: Sendable, Equatable {
        /// Nil could not be read.
        var counted: Int?
        var least: Int
        /// An answer that nobody knows may stand for a reservation and its return.
        var most: Int
    }

    /// What the server counted of itself while the load went on, against what the buyers were told.
    struct Server: Sendable, Equatable {
        /// `release` or `debug`; nil does not say.
        var build: String? = nil
        /// Purchases that it answered 200, and refusals; nil could not be read.
        var sold: Int?
        var refused: Int?
        /// Refusals that the buyers got.
        var answeredRefused: Int
        /// Mean delay of its event loops; nil could not be read.
        var loopLagMs: Double?
        /// To its log.
        var linesWritten: Int?
        /// Answers that the buyers got.
        var answered: Int
        /// The most that it had resident until the load ended; nil could not be read.
        var peakBytes: Int?
    }

    /// What the server says about itself.
    mutating func addServer(
        _ record: LoadRecord, figures: ServerFigures?, linesWritten: Int?, peakBytes: Int?
    ) {
        let refusals: [PurchaseOutcome] = [.soldOut, .oversellRefused, .contended, .other]
        server = Server(
            build: figures?.build, sold: figures?.sold, refused: figures?.refused,
            answeredRefused: refusals.reduce(0) { $0 + record.total($1) }, loopLagMs: figures?.meanLagMs,
            linesWritten: linesWritten,
            answered: PurchaseOutcome.allCases.reduce(0) { $0 + record.total($1) }, peakBytes: peakBytes)
    }

    /// What the load says about itself.
    mutating func addMeasurement(
        _ planned: PlannedTrial, _ record: LoadRecord, cost: LoadCost, isDirect: Bool,
        commandsSeen: CommandCounter?
    ) {
        let wall = record.wallSeconds
        let late = record.generator
        func p99(_ values: Percentiles) -> Double { values.count > 0 ? values.p99 ?? values.max ?? 0 : 0 }
        generator = Generator(
            processorShare: wall > 0 ? cost.bench.map { $0 / wall } : nil, isAlone: !isDirect,
            lateMs: max(p99(Percentiles(late.late)), p99(Percentiles(late.lag))) / 1000,
            longestPauseMs: late.longestPauseMs, sockets: record.users,
            socketLimit: Self.socketLimit)
        if planned.model.isOpen { arrivals = Self.arrivals(planned, record) }
        drift = record.drift
        commands = Commands(seen: commandsSeen?.total, reported: Int(record.reportedCommands))
        let reserved = answers.success + answers.oversellRefused
        // Each reservation is written by one HSET, whatever the strategy.
        sales = Sales(
            counted: commandsSeen.map { $0["hset"] }, least: reserved, most: reserved + 2 * answers.unknown)
        leaveOut(planned.strategy)
        if planned.strategy.traits.abilities.contains(.leases), wall > 0 {
            heldShare = Double(record.products.map(\.heldMicroseconds).max() ?? 0) / 1e6 / wall
        }
    }

    /// Notes what cannot be looked at because of how a strategy works.
    private mutating func leaveOut(_ strategy: StrategyID) {
        var reasons: [String: String] = [:]
        if strategy == .optimistic {
            reasons["redis-saw-commands"] =
                "Redis does not count what was queued in a transaction that it then refused"
        }
        switch strategy.traits.stockLayout {
        case .ledger: reasons["redis-counted-sales"] = "it reserves nothing in Redis"
        case .buckets:
            reasons["redis-counted-sales"] = "moves between its buckets are written by the same command"
        case .oneKey: break
        }
        if strategy.traits.abilities.contains(.leases) && holds == nil {
            reasons["holds-overlap"] = "answers carry durations, no moments; --mode direct sees every hold"
        }
        notChecked.merge(reasons) { given, _ in given }
    }

    private static func arrivals(_ planned: PlannedTrial, _ record: LoadRecord) -> Arrivals {
        let arrivals = record.generator.arrivals
        func gaps(_ moment: (GeneratorRecord.Arrival) -> Int64) -> [Double] {
            zip(arrivals, arrivals.dropFirst()).map { Double(moment($1) - moment($0)) / 1e9 }
        }
        // Both processes spread a given number of requests evenly over the window, or over the part of it from which
        // arrivals were kept.
        let end = record.generator.keptAllArrivals ? nil : arrivals.last.map { Double($0.seen) / 1e9 }
        let sent = KolmogorovSmirnov.uniform(
            arrivals.map { Double($0.seen) / 1e9 }, from: record.window.lowerBound,
            until: end ?? record.window.upperBound)
        guard planned.model == .poisson, let rate = planned.rate else { return Arrivals(statistic: sent) }
        let asked = gaps(\.due)
        return Arrivals(
            statistic: [sent, KolmogorovSmirnov.exponential(asked, rate: rate)].compactMap(\.self).max(),
            gaps: Gaps(displaced: KolmogorovSmirnov.distance(between: asked, gaps(\.seen))))
    }

    private static var socketLimit: Int {
        var limit = rlimit()
        let isRead = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return isRead ? Int(clamping: limit.rlim_cur) : 0
    }
}
