package import BenchModel
package import Foundation

/// Everything that a run of the fault lab found: what `faults.json` holds, and what FAULTS.md and faults.html
/// are drawn from.
package struct FaultResults: Sendable, Codable, Equatable {
    /// 1.1: the words `seen` and `unknown` of locks from elsewhere. 1.2: `servers`, `standstill_ms`.
    package static let currentSchema = "1.2"

    package struct Run: Sendable, Codable, Equatable {
        package enum Status: String, Sendable, Codable, CaseIterable {
            case complete
            /// Somebody ended it; the cells that were done are here.
            case interrupted
            /// The budget was spent before every cell had its turn.
            case outOfTime = "out-of-time"
        }

        package var toolVersion: String
        package var started: Date
        package var ended: Date
        package var command: String
        /// Of the first cell of each strategy and fault; the next one has the next number.
        package var seed: UInt64
        package var seeds: Int
        package var budgetSeconds: Double
        /// At the level of the service, on one PostgreSQL; nil: one, with its ledger in a file.
        package var servers: Int?
        @OrNull package var gitCommit: String?
        package var status: Status

        package init(
            started: Date, ended: Date, command: String, seed: UInt64, seeds: Int, budgetSeconds: Double,
            servers: Int? = nil, gitCommit: String?, status: Status,
            toolVersion: String = BenchVersion.current
        ) {
            self.servers = servers
            self.toolVersion = toolVersion
            self.started = started
            self.ended = ended
            self.command = command
            self.seed = seed
            self.seeds = seeds
            self.budgetSeconds = budgetSeconds
            self.gitCommit = gitCommit
            self.status = status
        }
    }

    /// A name of the matrix and what it stands for, in one sentence.
    package struct Note: Sendable, Codable, Equatable {
        package var id: String
        package var summary: String

        package init(id: String, summary: String) {
            self.id = id
            self.summary = summary
        }
    }

    /// A pair that was not run, because the fault cannot strike this strategy.
    package struct NotApplicable: Sendable, Codable, Equatable {
        package var strategy: String
        package var fault: String
        package var level: FaultLevel
        package var why: String

        package init(strategy: String, fault: String, level: FaultLevel, why: String) {
            self.strategy = strategy
            self.fault = fault
            self.level = level
            self.why = why
        }
    }

    package var schema = Self.currentSchema
    package var run: Run
    package var env: EnvironmentInfo
    package var strategies: [Note]
    package var faults: [Note]
    /// In the order in which they were run.
    package var cells: [FaultCell]
    package var notApplicable: [NotApplicable]
    /// Cells that had no turn.
    package var notRun: Int

    package init(
        run: Run, env: EnvironmentInfo, strategies: [Note], faults: [Note], cells: [FaultCell],
        notApplicable: [NotApplicable], notRun: Int
    ) {
        self.run = run
        self.env = env
        self.strategies = strategies
        self.faults = faults
        self.cells = cells
        self.notApplicable = notApplicable
        self.notRun = notRun
    }
}

/// Through what buyers buy while something is broken.
package enum FaultLevel: String, Sendable, Codable, CaseIterable {
    /// Several processes buy through the strategy itself: no HTTP, no ledger; the stock is in Redis alone.
    case strategy
    /// A server with its ledger, or several, bought from over HTTP with idempotency keys.
    case service
}

/// What theory says of a cell.
package enum FaultExpectation: String, Sendable, Codable, CaseIterable {
    case safe
    /// A violation must be shown.
    case violated
    /// It can be violated, but only in a moment that a run may miss.
    case mayBeViolated = "may-be-violated"
    /// Theory demands nothing: the lock is from elsewhere.
    case unknown
}

extension FaultResults {
    /// What the cells come to, all together.
    package var exit: BenchExit {
        if cells.contains(where: { $0.judgement == .againstTheory || $0.judgement == .ledgerLost }) {
            return .violation
        }
        if run.status == .interrupted { return .interrupted }
        let isOpen = cells.contains { $0.judgement == .notShown || $0.judgement == .undecided }
        return isOpen || notRun > 0 || cells.isEmpty ? .inconclusive : .good
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    package static func decode(_ data: Data) throws(BenchError) -> FaultResults {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(FaultResults.self, from: data)
        } catch {
            throw BenchError(.badInput, "this is no faults.json of schema \(currentSchema): \(error)")
        }
    }
}
