package import BenchModel
package import Foundation

/// Everything that `lab-bench conformance` found: what `conformance.json` holds, and what CONFORMANCE.md and
/// junit.xml are drawn from.
package struct ConformanceResults: Sendable, Codable, Equatable {
    package static let currentSchema = "1.0"

    package struct Run: Sendable, Codable, Equatable {
        package var toolVersion: String
        package var started: Date
        package var ended: Date
        package var command: String
        @OrNull package var gitCommit: String?
        /// Somebody ended it; the findings that were done are here.
        package var isInterrupted: Bool

        package init(
            started: Date, ended: Date, command: String, gitCommit: String?, isInterrupted: Bool,
            toolVersion: String = BenchVersion.current
        ) {
            self.toolVersion = toolVersion
            self.started = started
            self.ended = ended
            self.command = command
            self.gitCommit = gitCommit
            self.isInterrupted = isInterrupted
        }
    }

    /// What must hold.
    package struct ClauseNote: Sendable, Codable, Equatable {
        package var id: String
        /// Those of the clauses of this package's test suite that it repeats from outside.
        package var numbers: [Int]
        package var title: String

        package init(id: String, numbers: [Int], title: String) {
            self.id = id
            self.numbers = numbers
            self.title = title
        }
    }

    /// A lock that was judged, or a strategy that takes none.
    package struct LockNote: Sendable, Codable, Equatable {
        package enum Kind: String, Sendable, Codable, CaseIterable {
            case strategy
            /// A strategy without a lock: no clause is about it.
            case lockFree = "lock-free"
            case driver
        }

        package var id: String
        package var kind: Kind
        package var summary: String
        package var abilities: [String]

        package init(id: String, kind: Kind, summary: String, abilities: [String]) {
            self.id = id
            self.kind = kind
            self.summary = summary
            self.abilities = abilities
        }
    }

    /// What one clause says of one lock.
    package struct Finding: Sendable, Codable, Equatable {
        package enum Verdict: String, Sendable, Codable, CaseIterable {
            case pass, fail
            case notApplicable = "not-applicable"
            case unknown
        }

        package var lock: String
        package var clause: String
        package var verdict: Verdict
        /// One sentence; nil for a pass.
        @OrNull package var reason: String?
        package var tookMs: Double
        /// What was asked and answered; empty unless it failed or is unknown.
        package var steps: [Step]
        /// Judges this clause alone again.
        package var command: String

        package init(
            lock: String, clause: String, verdict: Verdict, reason: String?, tookMs: Double, steps: [Step],
            command: String
        ) {
            self.lock = lock
            self.clause = clause
            self.verdict = verdict
            self.reason = reason
            self.tookMs = tookMs
            self.steps = steps
            self.command = command
        }
    }

    /// One call and its answer, or what was done to Redis or to a client.
    package struct Step: Sendable, Codable, Equatable {
        /// From the begin of the clause.
        package var atMs: Double
        package var tookMs: Double
        package var who: String
        package var what: String
        /// Empty where nothing answers.
        package var result: String

        package init(atMs: Double, tookMs: Double, who: String, what: String, result: String) {
            self.atMs = atMs
            self.tookMs = tookMs
            self.who = who
            self.what = what
            self.result = result
        }
    }

    package var schema = Self.currentSchema
    package var run: Run
    package var env: EnvironmentInfo
    package var clauses: [ClauseNote]
    package var locks: [LockNote]
    /// Lock by lock, in the order of the clauses.
    package var findings: [Finding]

    package init(
        run: Run, env: EnvironmentInfo, clauses: [ClauseNote], locks: [LockNote], findings: [Finding]
    ) {
        self.run = run
        self.env = env
        self.clauses = clauses
        self.locks = locks
        self.findings = findings
    }
}

extension ConformanceResults {
    package func count(_ verdict: Finding.Verdict) -> Int { findings.count { $0.verdict == verdict } }

    package func finding(_ lock: String, _ clause: String) -> Finding? {
        findings.first { $0.lock == lock && $0.clause == clause }
    }

    /// What the findings come to, all together.
    package var exit: BenchExit {
        if count(.fail) > 0 { return .violation }
        if run.isInterrupted { return .interrupted }
        return count(.unknown) > 0 ? .inconclusive : .good
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    package static func decode(_ data: Data) throws(BenchError) -> ConformanceResults {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(ConformanceResults.self, from: data)
        } catch {
            throw BenchError(.badInput, "this is no conformance.json of schema \(currentSchema): \(error)")
        }
    }
}
