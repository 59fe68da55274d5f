import BenchAudit
import BenchLoad
import BenchModel
import BenchRun
import BenchStatistics
import Histogram
import NIOCore

/// What this machine can measure: the generator against the built-in server, whose answers are known
/// beforehand.
struct SelfTest: Sendable {
    /// One figure, and what it should be.
    struct Finding: Sendable, Codable, Equatable {
        var what: String
        var value: String
        var expected: String
        /// Nil: a fact about the machine that has no right value.
        @OrNull var isRight: Bool?
    }

    var idleWindow = Duration.seconds(2)
    /// Length of the loads with a stall.
    var window = Duration.seconds(10)
    var singleWorkerWindow = Duration.seconds(20)
    var ceilingWindow = Duration.seconds(3)
    var noiseTrials = 8
    var noiseWindow = Duration.seconds(1)
    var comparisons = Comparisons()
    /// Length of one turn of the generator or of wrk; whole seconds.
    var rivalWindow = Duration.seconds(3)
    var rivalTurns = 3
    static let leastOfWrk = 0.8
    /// What a trial of ten seconds may lose (``Audit/mostStill``).
    static let longestIdlePauseMs = 250.0

    /// - Parameter found: Told each finding as soon as it is there.
    func run(_ found: (Finding) -> Void) async throws {
        for finding in try await idle() { found(finding) }
        for finding in try await closed() { found(finding) }
        for finding in try await open() { found(finding) }
        found(try await overloaded())
        found(try await singleWorker())
        for finding in try await ceiling() { found(finding) }
        found(try await capacity())
        for finding in try await judgement() { found(finding) }
        found(try await againstWrk())
    }

    var expectedTime: Duration {
        window * 4 + singleWorkerWindow + ceilingWindow + noiseWindow * noiseTrials + .seconds(2)
            + comparisons.expectedTime + .seconds(10)
            + (WrkRival.isInstalled ? (rivalWindow + .seconds(1)) * (2 * rivalTurns) : .zero)
    }

    /// A load that does next to nothing shows what the machine does to a process that waits.
    private func idle() async throws -> [Finding] {
        let arrivals = ArrivalSchedule(.constant, ratePerSecond: 100, length: idleWindow, seed: 1)
        let load = DelayLoad(
            server: DelayPlan(delay: .zero), users: 1,
            plan: LoadPlan(warmup: .zero, duration: idleWindow, drain: .seconds(1), arrivals: arrivals))
        let generator = try await load.run().generator
        return [
            Finding(
                what: "timer overshoot, p99", value: Self.ms(generator.lag, 99), expected: "a fact",
                isRight: nil),
            Finding(
                what: "longest idle hiccup", value: "\(Text.number(generator.longestPauseMs)) ms",
                expected: "<= \(Text.number(Self.longestIdlePauseMs)) ms",
                isRight: generator.longestPauseMs <= Self.longestIdlePauseMs),
        ]
    }

    private func closed() async throws -> [Finding] {
        let record = try await DelayLoad.closedWithStall(window).run()
        let service = record.latency[BuyerOutcome.success.index]
        let seconds = window / .seconds(1)
        let expected = 100 * seconds * 0.9 / 0.05
        let longest = seconds * 100 + 50
        return [
            Self.near(
                "closed, 100 users, one stall: requests", Double(record.measured(.success)), expected, 0.03,
                ""),
            Self.hidden("closed: service", " (the stall is hidden)", service, stalled: 100 / expected),
            Self.near(
                "closed: longest service time", Double(service.maxRecorded) / 1000, longest, 0.05, " ms"),
        ]
    }

    private func open() async throws -> [Finding] {
        let record = try await DelayLoad.openWithStall(window).run()
        let response = record.response(.success)
        let stall = window / .milliseconds(10)
        func at(_ percentile: Double) -> Double { Double(response.valueAtPercentile(percentile)) / 1000 }
        return [
            Self.near(
                "open, 200/s on 20 connections, same stall: response p90", at(90), 0.5 * stall + 50, 0.1,
                " ms"),
            Self.near("open: response p95", at(95), 0.75 * stall + 50, 0.1, " ms"),
            Self.near("open: response p99 (the stall is seen)", at(99), 0.95 * stall + 50, 0.1, " ms"),
            Self.hidden(
                "open: service", "", record.latency[BuyerOutcome.success.index],
                stalled: 20 / (200 * (window / .seconds(1)))),
        ]
    }

    private func overloaded() async throws -> Finding {
        let record = try await DelayLoad.overloaded(window).run()
        let account = record.openAccount ?? LoadLine.Account()
        return Finding(
            what: "open, 5/s on one connection to a server that takes 1 s",
            value: "\(account.isSustained ? "sustained" : "rate not sustained"), "
                + "\(Text.number(record.purchasesPerSecond))/s, \(account.unsent) unsent",
            expected: "rate not sustained, about 1/s, some unsent",
            isRight: !account.isSustained && account.unsent > 0
                && abs(record.purchasesPerSecond - 1) <= 0.2)
    }

    private func singleWorker() async throws -> Finding {
        let record = try await DelayLoad.singleWorker(singleWorkerWindow).run()
        return Self.near(
            "one worker of 10 ms, Poisson 50/s: mean response", record.response(.success).mean / 1000,
            DelayLoad.meanOfSingleWorker(service: 10, load: 0.5), 0.1, " ms")
    }

    private func ceiling() async throws -> [Finding] {
        func rate(_ window: Duration) async throws -> Double {
            let load = DelayLoad(
                server: DelayPlan(delay: .zero), users: 100,
                plan: LoadPlan(warmup: .milliseconds(500), duration: window, drain: .seconds(1)))
            return try await load.run().purchasesPerSecond
        }
        let most = try await rate(ceilingWindow)
        var trials: [Double] = []
        for _ in 0..<noiseTrials { trials.append(try await rate(noiseWindow)) }
        let half = trials.count / 2
        let halves = Judgement.all(
            [
                Judgement.Question(
                    strategy: "built-in", figure: .purchasesPerSecond, base: Array(trials.prefix(half)),
                    new: Array(trials.suffix(half)))
            ], noiseFloor: 0)[0]
        return [
            Finding(
                what: "generator ceiling, 100 users, built-in server in the same process",
                value: "\(Text.number(most))/s", expected: "a fact", isRight: nil),
            Finding(
                what: "noise floor: two equal groups of \(half) trials differ by",
                value:
                    "\(Text.number(abs(halves.ratio - 1) * 100, digits: 1)) % (p = \(Text.number(halves.p, digits: 2)))",
                expected: "a fact", isRight: nil),
        ]
    }

    /// The rate up to which an open load is what was asked for; `run` looks at it too, before it begins.
    private func capacity() async throws -> Finding {
        let highest = try await SendingCapacity(window: min(window, .milliseconds(500))).highest()
        return Finding(
            what: "highest Poisson rate that is sent as asked, 100 connections, built-in server",
            value: "\(Text.number(highest))/s", expected: "a fact", isRight: nil)
    }

    /// The same server, users and minute for both, turn by turn.
    private func againstWrk() async throws -> Finding {
        let what = "generator against wrk -t1 -c100 on the same built-in server"
        let expected = ">= \(Self.leastOfWrk)"
        guard WrkRival.isInstalled else {
            return Finding(what: what, value: "wrk is not installed", expected: expected, isRight: nil)
        }
        let server = try await DelayServer.start(DelayPlan(delay: .zero))
        let result: Result<[WrkRival.Turn], any Error>
        do {
            var turns: [WrkRival.Turn] = []
            for _ in 0..<rivalTurns {
                turns.append(try await WrkRival.turn(at: server.target, window: rivalWindow))
            }
            result = .success(turns)
        } catch {
            result = .failure(error)
        }
        await server.stop()
        let turns = try result.get()
        let (ours, theirs) = (Spread.median(turns.map(\.ours)), Spread.median(turns.map(\.wrk)))
        return Finding(
            what: what,
            value:
                "\(Text.number(ours / theirs, digits: 2)) (\(Text.number(ours))/s, wrk \(Text.number(theirs))/s)",
            expected: expected, isRight: ours / theirs >= Self.leastOfWrk)
    }

    private static func ms(_ histogram: Histogram<UInt64>, _ percentile: Double) -> String {
        "\(Text.number(Double(histogram.valueAtPercentile(percentile)) / 1000)) ms"
    }

    /// The percentile that shows nothing of a stall that hit this share of the requests: 99, as a report has
    /// it, or the next whole one below where a short load leaves more than 1 % stalled.
    static func hidingPercentile(stalled: Double) -> Double {
        stalled <= 0.01 ? 99 : ((1 - 1.1 * stalled) * 100).rounded(.down)
    }

    private static func hidden(
        _ what: String, _ remark: String, _ service: Histogram<UInt64>, stalled: Double
    ) -> Finding {
        let percentile = hidingPercentile(stalled: stalled)
        return Finding(
            what: "\(what) p\(Int(percentile))\(remark)", value: ms(service, percentile),
            expected: "<= 60 ms", isRight: service.valueAtPercentile(percentile) <= 60_000)
    }

    private static func near(
        _ what: String, _ value: Double, _ expected: Double, _ tolerance: Double, _ unit: String
    ) -> Finding {
        Finding(
            what: what, value: Text.number(value) + unit,
            expected: "\(Text.number(expected))\(unit) within \(Text.number(tolerance * 100)) %",
            isRight: abs(value / expected - 1) <= tolerance)
    }
}
