import BenchAudit
package import BenchLoad
package import BenchResults

/// A trial that was run to its end.
package struct FinishedTrial: Sendable {
    package let planned: PlannedTrial
    package let record: LoadRecord
    let facts: AuditFacts
    package var checks: [Check]
    package let cost: LoadCost
    /// Nil: there was no server.
    let serverArguments: [String]?
    let redisSystem: RedisSystem?
    let sqliteVersion: String?
    let journalMode: String?
    /// Nil: the ledger was not on PostgreSQL.
    var postgresVersion: String?
    /// Nil: the lock was no driver's.
    package var driverLog: [String]?
    /// Nil: nothing was broken.
    var strike: Strike?
    /// From 1; more than 1 after a spoilt one.
    package var attempt = 1
    /// It was run in turn with another server, whose trial was spoilt.
    var isPairSpoilt = false

    /// What the instrument did to it; empty when it counts.
    package var spoilers: [Check] { planned.isControl ? [] : Repetition.spoilers(of: checks) }

    /// Its figures count for nothing; what it sold is audited all the same.
    package var isSpoilt: Bool { !spoilers.isEmpty || isPairSpoilt }
}

/// One of the times that a trial is run.
struct Attempt: Sendable, Equatable {
    /// From 1.
    var number = 1
    /// Figures of the trials of this load that came before (``UsualFigures``).
    var usual: [String: Double] = [:]
}
