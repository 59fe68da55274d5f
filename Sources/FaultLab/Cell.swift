package import BenchResults
package import FaultAudit
package import FaultInjection
import LabProcesses
package import LockStrategies

/// One fault and one strategy, tried until a violation is shown or the tries are spent.
package struct Cell: Sendable {
    package let strategy: StrategyEntry
    package let fault: Fault
    package let level: FaultLevel
    package let seed: UInt64
    /// Whose lock it is; nil: the strategy's own.
    package let driver: FaultDriver?
    /// At the level of the service; several have their ledger on PostgreSQL.
    package let servers: Int

    package init(
        _ strategy: StrategyEntry, _ fault: Fault, level: FaultLevel = .strategy, seed: UInt64,
        driver: FaultDriver? = nil, servers: Int = 1
    ) {
        self.driver = driver
        self.servers = servers
        self.strategy = strategy
        self.fault = fault
        self.level = level
        self.seed = seed
    }

    package var expected: FaultExpectation {
        guard let driver else {
            let theory = fault.expectation(of: strategy, at: level)
            // Of a strategy from elsewhere theory knows what it claims, and not that it must break.
            let isKnown = strategy.isBuiltIn || strategy.isNegativeControl || theory != .violated
            return isKnown ? theory : .unknown
        }
        return driver.mustHold.contains(fault) ? .safe : .unknown
    }

    /// The programs that a try starts.
    package struct Programs: Sendable {
        /// `lab-bench`, for workers.
        package var bench: String
        /// `lab-server`; used at the level of the service only.
        package var server: String

        package init(bench: String, server: String) {
            self.bench = bench
            self.server = server
        }
    }

    package struct Outcome: Sendable {
        package let verdict: Auditor.Verdict
        package let tries: Int
        /// Why it is unknown.
        package let why: String?
        /// The try that showed a violation; else the last one that came to its end, and its number.
        package let shown: (number: Int, record: TryRecord, report: Auditor.Report)?
    }

    /// Tries that a cell has at most. More where a violation must be shown, which takes luck, and some where
    /// nobody knows whether there is one.
    package var mostTries: Int {
        switch expected {
        case .violated: 10
        case .unknown: 3
        case .safe, .mayBeViolated: 1
        }
    }

    /// Never throws: what keeps a try from its end makes the cell unknown.
    ///
    /// - Parameter deadline: No try begins after it.
    package func run(
        _ programs: Programs, mostTries: Int? = nil, deadline: ContinuousClock.Instant? = nil
    ) async -> Outcome {
        var verdict = Auditor.Verdict.safe
        var why: String?
        var shown: (Int, TryRecord, Auditor.Report)?
        var tries = 0
        for number in 1...max(mostTries ?? self.mostTries, 1) {
            if Task.isCancelled || (number > 1 && deadline.map { ContinuousClock.now > $0 } == true) { break }
            tries = number
            do {
                let record = try await bounded {
                    try await tryOnce(programs, seed &+ UInt64(number - 1) &* 7_919)
                }
                let report = Auditor.judge(record.history)
                shown = (number, record, report)
                if report.verdict == .violated {
                    return Outcome(verdict: .violated, tries: number, why: nil, shown: shown)
                }
                if report.verdict == .unknown || !record.soldAfterwards {
                    verdict = .unknown
                    why = report.verdict == .unknown ? Self.reason(report) : "nobody bought after the fault"
                }
            } catch {
                verdict = .unknown
                why = Self.sentence(error)
            }
        }
        if tries == 0 || (Task.isCancelled && shown == nil) {
            (verdict, why) = (.unknown, why ?? "it was interrupted")
        }
        return Outcome(verdict: verdict, tries: tries, why: why, shown: shown)
    }

    /// A try that does not come to its end within this time is unknown.
    private static let longestTry = Duration.seconds(120)

    private func bounded(
        _ body: @escaping @Sendable () async throws -> TryRecord
    ) async throws -> TryRecord {
        try await withThrowingTaskGroup(of: TryRecord.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: Self.longestTry)
                throw LabProcessError(.notReady, "the try did not end within \(Self.longestTry)")
            }
            guard let first = try await group.next() else { throw CancellationError() }
            group.cancelAll()
            return first
        }
    }

    private func tryOnce(_ programs: Programs, _ chance: UInt64) async throws -> TryRecord {
        switch level {
        case .strategy:
            try await StrategyTry(
                strategy: strategy, fault: fault, chance: chance, program: programs.bench, driver: driver
            ).run()
        case .service:
            try await ServiceTry(
                strategy: strategy, fault: fault, chance: chance, program: programs.server, servers: servers
            ).run()
        }
    }

    private static func reason(_ report: Auditor.Report) -> String {
        report.findings.first { $0.verdict == .unknown }?.sentence ?? "nobody bought anything"
    }

    private static func sentence(_ error: any Error) -> String {
        (error as? LabProcessError)?.description ?? "\(error)"
    }
}

/// What happened in one try. Moments are those of the history's clock.
package struct TryRecord: Sendable {
    package let history: History
    /// When the fault began and ended.
    package let struck: Int64
    package let healed: Int64
    /// When all buyers had begun, and when they were told to stop.
    package let begun: Int64
    package let closed: Int64

    package init(history: History, begun: Int64, struck: Int64, healed: Int64, closed: Int64) {
        self.history = history
        self.begun = begun
        self.struck = struck
        self.healed = healed
        self.closed = closed
    }

    /// Somebody was sold something after the fault.
    var soldAfterwards: Bool {
        history.operations.contains { $0.outcome == .ok && ($0.answered ?? .min) > healed }
    }
}
