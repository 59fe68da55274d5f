package import BenchModel
package import Foundation

/// Everything that an exploration found: what `explore.json` holds, and what EXPLORE.md and the pages of its
/// stories are drawn from.
package struct ExploreResults: Sendable, Codable, Equatable {
    package static let currentSchema = "1.0"

    package struct Run: Sendable, Codable, Equatable {
        package enum Status: String, Sendable, Codable, CaseIterable {
            case complete
            /// Somebody ended it; the cells that were done are here.
            case interrupted
        }

        package var toolVersion: String
        package var started: Date
        package var ended: Date
        package var command: String
        /// Of the first schedule of each cell; the next one has the next number.
        package var seed: UInt64
        /// Which orders were played: uniform, pct, both or all.
        package var orders: String
        @OrNull package var gitCommit: String?
        package var status: Status
        /// A number over all schedules of the cells that no violation ended: the same seeds and the same code
        /// make the same one.
        package var trace: String

        package init(
            started: Date, ended: Date, command: String, seed: UInt64, orders: String, gitCommit: String?,
            status: Status, trace: String, toolVersion: String = BenchVersion.current
        ) {
            self.toolVersion = toolVersion
            self.started = started
            self.ended = ended
            self.command = command
            self.seed = seed
            self.orders = orders
            self.gitCommit = gitCommit
            self.status = status
            self.trace = trace
        }
    }

    package var schema = Self.currentSchema
    package var run: Run
    package var env: EnvironmentInfo
    package var strategies: [FaultResults.Note]
    package var faults: [FaultResults.Note]
    /// In the order in which they were explored.
    package var cells: [ExploreCell]
    /// Cells that had no turn, or whose turn was cut short.
    package var notRun: Int

    package init(
        run: Run, env: EnvironmentInfo, strategies: [FaultResults.Note], faults: [FaultResults.Note],
        cells: [ExploreCell], notRun: Int
    ) {
        self.run = run
        self.env = env
        self.strategies = strategies
        self.faults = faults
        self.cells = cells
        self.notRun = notRun
    }
}

/// One strategy under one fault, explored.
package struct ExploreCell: Sendable, Codable, Equatable {
    /// What was seen beside what theory says.
    package enum Judgement: String, Sendable, Codable, CaseIterable {
        case asExpected = "as-expected"
        /// Theory calls it safe, and a violation was found.
        case againstTheory = "against-theory"
        /// Theory demands a violation, and none was found.
        case notShown = "not-shown"
        /// A schedule could not be decided, nobody bought anything, or not all orders were played.
        case undecided
    }

    package var strategy: String
    package var fault: String
    package var level: FaultLevel
    /// uniform, pct, both or all.
    package var order: String
    package var theory: FaultExpectation
    package var judgement: Judgement
    package var schedules: Int
    /// Schedules in which something was violated.
    package var violated: Int
    /// Schedules by the kind of what was violated; a schedule counts for each kind that it shows.
    package var violations: [String: Int]
    package var undecided: Int
    /// Schedules in which nobody bought anything.
    package var idle: Int
    /// Whether all orders were played; nil: they were not asked for.
    @OrNull package var isComplete: Bool?
    /// Of the first schedule with a violation; among all orders its place, from 0. Nil: there is none.
    @OrNull package var firstViolatingSeed: UInt64?
    /// Nil: there is no violation, or it was not told.
    @OrNull package var story: ExploreStory?
    package var cpuSeconds: Double
    /// Nil: no schedule was played by priorities.
    @OrNull package var chance: Chance?

    package init(
        strategy: String, fault: String, level: FaultLevel, order: String, theory: FaultExpectation,
        judgement: Judgement,
        schedules: Int, violated: Int, violations: [String: Int], undecided: Int, idle: Int,
        isComplete: Bool?, firstViolatingSeed: UInt64?, story: ExploreStory?, cpuSeconds: Double,
        chance: Chance?
    ) {
        self.strategy = strategy
        self.fault = fault
        self.level = level
        self.order = order
        self.theory = theory
        self.judgement = judgement
        self.schedules = schedules
        self.violated = violated
        self.violations = violations
        self.undecided = undecided
        self.idle = idle
        self.isComplete = isComplete
        self.firstViolatingSeed = firstViolatingSeed
        self.story = story
        self.cpuSeconds = cpuSeconds
        self.chance = chance
    }

    /// The chance that a bug of a depth was met at least once; see ``PriorityChance``.
    package struct Chance: Sendable, Codable, Equatable {
        /// What it is computed from.
        package var of: PriorityChance
        package var depth1: Double
        package var depth2: Double
        package var depth3: Double

        /// - Returns: Nil: no schedule was played by priorities.
        package init?(_ measured: PriorityChance) {
            guard let one = measured.atLeast(depth: 1), let two = measured.atLeast(depth: 2),
                let three = measured.atLeast(depth: 3)
            else { return nil }
            (of, depth1, depth2, depth3) = (measured, one, two, three)
        }
    }
}

extension ExploreResults {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }

    package func json() throws -> Data { try Self.encoder.encode(self) }

    package static func decode(_ data: Data) throws(BenchError) -> ExploreResults {
        do {
            return try decoder.decode(ExploreResults.self, from: data)
        } catch {
            throw BenchError(.badInput, "this is no explore.json of schema \(currentSchema): \(error)")
        }
    }
}
