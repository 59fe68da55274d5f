package import BenchModel
package import FaultAudit
package import Foundation

/// A violation that an exploration found, made small: all that is needed to tell it, to draw it, and to play
/// it again.
package struct ExploreStory: Sendable, Codable, Equatable {
    package static let currentSchema = "1.0"

    /// Who buys there, and what there is.
    package struct Stage: Sendable, Codable, Equatable {
        package var processes: Int
        /// Of each process.
        package var buyers: Int
        /// Of each buyer, one after the other.
        package var purchases: Int
        package var stock: Int
        package var lockNodes: Int

        package init(processes: Int, buyers: Int, purchases: Int, stock: Int, lockNodes: Int) {
            self.processes = processes
            self.buyers = buyers
            self.purchases = purchases
            self.stock = stock
            self.lockNodes = lockNodes
        }
    }

    /// How the next step is chosen.
    package struct Order: Sendable, Codable, Equatable {
        package enum Rule: String, Sendable, Codable, CaseIterable {
            case uniform
            case pct
            case all
        }

        package var rule: Rule
        /// Of pct: how often priorities change; nil of any other.
        @OrNull package var changes: Int?
        /// Of pct: among so many steps the changes are drawn; nil of any other.
        @OrNull package var changeSteps: Int?

        package init(_ rule: Rule, changes: Int? = nil, changeSteps: Int? = nil) {
            self.rule = rule
            self.changes = changes
            self.changeSteps = changeSteps
        }
    }

    /// Something that happened, once or several times in a row.
    package struct Step: Sendable, Codable, Equatable {
        /// Microseconds since the world began.
        package var atUs: Int64
        /// `process 1`, `redis`, `node 2`, `world`.
        package var who: String
        package var text: String
        package var times: Int

        package init(atUs: Int64, who: String, text: String, times: Int = 1) {
            self.atUs = atUs
            self.who = who
            self.text = text
            self.times = times
        }
    }

    package var schema = Self.currentSchema
    package var strategy: String
    package var fault: String
    package var level: FaultLevel
    /// The same decisions make the same story with the same code.
    @OrNull package var gitCommit: String?
    package var stage: Stage
    package var order: Order
    package var decisions: [UInt32]
    package var steps: [Step]
    /// What is wrong, a sentence each.
    package var violations: [String]
    /// Milliseconds from the first thing that broke to the last; nil: nothing broke at a moment.
    @OrNull package var struckMs: Double?
    @OrNull package var healedMs: Double?
    package var findings: [Auditor.Finding]
    /// Every call of every buyer.
    package var operations: [FaultCell.Operation]

    package init(
        strategy: String, fault: String, level: FaultLevel, gitCommit: String?, stage: Stage, order: Order,
        decisions: [UInt32], steps: [Step], violations: [String], struckMs: Double?, healedMs: Double?,
        findings: [Auditor.Finding], operations: [FaultCell.Operation]
    ) {
        self.strategy = strategy
        self.fault = fault
        self.level = level
        self.gitCommit = gitCommit
        self.stage = stage
        self.order = order
        self.decisions = decisions
        self.steps = steps
        self.violations = violations
        self.struckMs = struckMs
        self.healedMs = healedMs
        self.findings = findings
        self.operations = operations
    }

    /// The name of its files.
    package var name: String { "\(strategy)-\(fault)" + (level == .service ? "-service" : "") }

    package var scene: CallScene {
        CallScene(
            fault: struckMs.map { $0...max($0, healedMs ?? $0) }, findings: findings, operations: operations,
            since: "the world began")
    }
}

extension ExploreStory.Step {
    /// `12.345`
    package var milliseconds: String {
        let fraction = String(atUs % 1_000)
        return "\(atUs / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }

    /// With how often it happened.
    package var words: String { times > 1 ? "\(text) (\(times) times)" : text }

    package var line: String {
        let time = milliseconds
        return String(repeating: " ", count: max(0, 9 - time.count))
            + "\(time) ms  \(who.padding(to: 9))  \(words)"
    }
}

extension ExploreStory {
    /// A line for each step, then what is wrong.
    package var text: String {
        (steps.map { "    " + $0.line } + violations.map { "    => " + $0 }).joined(separator: "\n")
    }

    package func json() throws -> Data { try ExploreResults.encoder.encode(self) }

    package static func decode(_ data: Data) throws(BenchError) -> ExploreStory {
        do {
            let story = try ExploreResults.decoder.decode(ExploreStory.self, from: data)
            guard story.schema.hasPrefix("1.") else {
                throw BenchError(
                    .badInput, "it is a story of schema \(story.schema); this program reads \(currentSchema)")
            }
            return story
        } catch let error as BenchError {
            throw error
        } catch {
            throw BenchError(
                .badInput, "it is no story that lab-bench explore --output wrote (stories/NAME.json)")
        }
    }
}
