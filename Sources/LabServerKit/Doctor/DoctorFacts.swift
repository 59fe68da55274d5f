import InventoryService
import LedgerPostgres
import LedgerSQLite

/// All that the doctor looked at, without a judgement.
struct DoctorFacts: Sendable {
    /// One Redis server.
    struct Server: Sendable {
        enum Use: Sendable, Hashable {
            case stock
            case lockNode
        }

        let name: String
        let use: Use
        var facts: RedisFacts?
        /// How far its wall clock is ahead of ours.
        var clockLead: Duration?
        /// Why it could not be asked.
        var failure: String?
    }

    /// What is wrong with the flags or the environment, the token secret among them; nil when nothing is.
    var settingsProblem: String?
    /// The path of the file, or where PostgreSQL has the database.
    var databasePath: String?
    var ledger: LedgerInspection?
    /// In place of `ledger`.
    var postgres: PostgresInspection?
    /// Nil: the server starts its own; then this says whether there is a program to start.
    var servers: [Server]?
    var hasRedisServerProgram = true
    var openFileLimit: Int?
    /// Where the database is, or will be.
    var freeBytes: Int64?
}
