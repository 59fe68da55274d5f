package import BenchLoad
package import BenchModel
package import BenchResults
package import BenchStatistics
import Foundation
import NIOCore

extension AuditFacts {
    /// The generator in one trial.
    package struct Generator: Sendable, Equatable {
        /// Share of one core; nil could not be read.
        package var processorShare: Double?
        /// False: the service ran in the same process.
        package var isAlone: Bool
        /// Mean time of an answered request.
        var meanMs: Double?
        /// Processor time of the generator for an answered request.
        var processorMs: Double?
        /// What its lateness may have added to the figures that the report shows of this trial.
        var lateness: [Lateness]
        /// Σ of the times in which it did nothing at all, as a share of the measured window.
        var stillShare: Double
        package var sockets: Int
        package var socketLimit: Int

        package init(
            processorShare: Double? = nil, isAlone: Bool, meanMs: Double? = nil, processorMs: Double? = nil,
            lateness: [Lateness], stillShare: Double, sockets: Int, socketLimit: Int
        ) {
            self.processorShare = processorShare
            self.isAlone = isAlone
            self.meanMs = meanMs
            self.processorMs = processorMs
            self.lateness = lateness
            self.stillShare = stillShare
            self.sockets = sockets
            self.socketLimit = socketLimit
        }
    }

    /// One figure, in milliseconds, and the part of it that may be the generator's.
    package struct Lateness: Sendable, Equatable {
        package let figure: String
        let valueMs: Double
        var errorMs: Double
    }

    /// When the requests of an open load were sent.
    package struct Arrivals: Sendable, Equatable {
        /// √n·D of the moments of sending, or of the gaps that were asked for, the worse one; nil for too few
        /// arrivals.
        package var statistic: Double?
        /// The largest distance between the distributions of the gaps of sending and of those that were asked
        /// for; nil for too few, and of a constant load, whose gaps are all the same.
        package var gapsDistance: Double?
        /// The share of the arrivals that were sent later than ``toleranceMs`` after their moment.
        var displaced: Double?
        /// Arrivals of the window that were noticed; nil is not known.
        var count: Int?
        /// What the rate says of ``count``, and by how much it may be another number.
        var asked = 0.0
        var askedReach = 0.0
        /// What a purchase takes at the median decides how much later matters (``Audit/mostLate(of:)``).
        var toleranceMs: Double
    }

    package struct Commands: Sendable, Equatable {
        /// By all Redis servers of the trial; nil could not be read.
        package var seen: Int?
        /// By the answers that were successes.
        var reported: Int
    }

    /// Reservations as Redis counted them, against those that the answers speak of.
    package struct Sales: Sendable, Equatable {
        /// Nil could not be read.
        package var counted: Int?
        package var least: Int
        /// An answer that nobody knows may stand for a reservation and its return.
        package var most: Int
    }

    /// What the server counted of itself while the load went on, against what the buyers were told.
    package struct Server: Sendable, Equatable {
        /// `release` or `debug`; nil does not say.
        package var build: String? = nil
        /// Purchases that it answered 200, and refusals; nil could not be read.
        package var sold: Int?
        package var refused: Int?
        /// Refusals that the buyers got.
        var answeredRefused: Int
        /// Mean delay of its event loops; nil could not be read.
        package var loopLagMs: Double?
        /// To its log.
        package var linesWritten: Int?
        /// The part of them that a server in production writes too: one for each registration and each login.
        var linesDue: Int = 0
        /// Answers that the buyers got.
        package var answered: Int
        /// The most that it had resident until the load ended; nil could not be read.
        package var peakBytes: Int?
    }

    /// What the server says about itself.
    package mutating func addServer(
        _ record: LoadRecord, figures: ServerFigures?, linesWritten: Int?, peakBytes: Int?
    ) {
        let refusals: [BuyerOutcome] = [.soldOut, .oversellRefused, .contended, .other]
        func good(_ steps: [JourneyStep]) -> Int {
            record.journey.map { journey in steps.reduce(0) { $0 + journey.step($1).good } } ?? 0
        }
        server = Server(
            build: figures?.build, sold: figures?.sold, refused: figures?.refused,
            answeredRefused: refusals.reduce(0) { $0 + record.total($1) }, loopLagMs: figures?.meanLagMs,
            linesWritten: linesWritten, linesDue: good([.register, .logIn]),
            answered: BuyerOutcome.allCases.reduce(0) { $0 + record.total($1) }
                + good([.register, .logIn, .view, .history]),
            peakBytes: peakBytes)
    }

    /// What the load says about itself.
    ///
    /// - Parameter usual: The figures that earlier trials of this load have shown, by name, in milliseconds;
    ///   empty before the first one.
    package mutating func addMeasurement(
        _ load: OfferedLoad, _ record: LoadRecord, cost: LoadCost, isDirect: Bool,
        arrivals schedule: ArrivalSchedule?, commandsSeen: CommandCounter?, usual: [String: Double] = [:]
    ) {
        let figures = record.figures
        generator = Generator(record, figures, cost, isAlone: !isDirect, usual: usual)
        if load.model.isOpen {
            let usualMs = usual["p50"] ?? figures.first { $0.name == "p50" }.map { $0.value / 1000 }
            arrivals = Arrivals(load, record, toleranceMs: Audit.mostLateMs(of: usualMs))
            arrivals?.count(record, isCounted: schedule?.isCounted ?? true, rate: load.rate)
        }
        drift = record.drift
        commands = Commands(seen: commandsSeen?.total, reported: Int(record.reportedCommands))
        let reserved = answers.success + answers.oversellRefused
        // Each reservation is written by one HSET, whatever the strategy.
        sales = Sales(
            counted: commandsSeen.map { $0["hset"] }, least: reserved, most: reserved + 2 * answers.unknown)
    }
}

extension AuditFacts.Generator {
    fileprivate init(
        _ record: LoadRecord, _ figures: [LatenessError.Figure], _ cost: LoadCost, isAlone: Bool,
        usual: [String: Double]
    ) {
        let wall = record.wallSeconds
        let answers = record.requests
        let window = Double(record.duration.nanoseconds)
        processorShare = wall > 0 ? cost.bench.map { $0 / wall } : nil
        processorMs = answers > 0 ? cost.bench.map { $0 * 1000 / Double(answers) } : nil
        meanMs = figures.first { $0.name == "mean" }.map { $0.value / 1000 }
        self.isAlone = isAlone
        lateness = figures.map { figure in
            AuditFacts.Lateness(
                figure: figure.name, valueMs: usual[figure.name] ?? figure.value / 1000,
                errorMs: figure.error / 1000)
        }
        stillShare = window > 0 ? Double(record.generator.stoodStill.nanoseconds) / window : 0
        sockets = record.users
        socketLimit = Self.descriptorLimit
    }

    private static var descriptorLimit: Int {
        var limit = rlimit()
        let isRead = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return isRead ? Int(clamping: limit.rlim_cur) : 0
    }
}

extension AuditFacts.Arrivals {
    fileprivate init(_ load: OfferedLoad, _ record: LoadRecord, toleranceMs: Double) {
        let arrivals = record.generator.arrivals
        func gaps(_ moment: (GeneratorRecord.Arrival) -> Int64) -> [Double] {
            zip(arrivals, arrivals.dropFirst()).map { Double(moment($1) - moment($0)) / 1e9 }
        }
        // Both processes spread a given number of requests evenly over the window, or over the part of it
        // from which arrivals were kept.
        let end = record.generator.keptAllArrivals ? nil : arrivals.last.map { Double($0.seen) / 1e9 }
        let sent = KolmogorovSmirnov.uniform(
            arrivals.map { Double($0.seen) / 1e9 }, from: record.window.lowerBound,
            until: end ?? record.window.upperBound)
        self.toleranceMs = toleranceMs
        let late = arrivals.count { Double($0.seen - $0.due) / 1e6 > toleranceMs }
        displaced = arrivals.isEmpty ? nil : Double(late) / Double(arrivals.count)
        statistic = sent
        guard load.model == .poisson, let rate = load.rate else { return }
        let asked = gaps(\.due)
        statistic = [sent, KolmogorovSmirnov.exponential(asked, rate: rate)].compactMap(\.self).max()
        gapsDistance = KolmogorovSmirnov.distance(between: asked, gaps(\.seen))
    }

    /// The shape of a process says little of its rate: of 2,400 arrivals, Kolmogorov-Smirnov sees 5 % too few
    /// in one of three trials. Their number says it at once.
    fileprivate mutating func count(_ record: LoadRecord, isCounted: Bool, rate: Double?) {
        guard let rate else { return }
        count = record.generator.arrivalCount
        asked = rate * Double(record.duration.nanoseconds) / 1e9
        // One of a thousand draws of a whole process lies beyond 3.3 standard deviations.
        askedReach = isCounted ? 1 : 1 + 3.3 * asked.squareRoot()
    }
}

extension LoadRecord {
    /// Requests that were answered, warm-up and drain included: purchases, and the other steps of journeys.
    fileprivate var requests: Int {
        let steps = JourneyStep.allCases.filter { $0 != .buy }
        return totals.reduce(0, +)
            + (journey.map { journey in steps.reduce(0) { $0 + journey.step($1).good } } ?? 0)
    }

    /// The figures that the report shows of a purchase, and what the generator's lateness may have added to
    /// each, in microseconds: response time of an open load, service time of a closed one.
    package var figures: [LatenessError.Figure] {
        LatenessError(response(.success), lateness: generator.lateness).figures
    }
}
