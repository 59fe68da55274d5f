import InventoryService
import PostgresClient

/// How each connection of the ledger is set up, and what the server says about itself.
struct LedgerSession: Sendable {
    let endpoint: PostgresEndpoint
    let settings: LedgerSettings
    let limits: PostgresPool.Settings

    /// The connections wait for the disk, whatever the server's default is, unless it waits for more. A
    /// statement ends when nobody waits for it any more. A transaction whose server was stopped or cut off
    /// ends much earlier: its locks keep the sales of all other servers waiting.
    private static let setUp = PostgresStatement(
        nil,
        """
        SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_setting('fsync'),
            current_setting('transaction_read_only'),
            set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit')
                IN ('on', 'remote_apply') THEN current_setting('synchronous_commit') ELSE 'on' END, false),
            set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),
            set_config('idle_in_transaction_session_timeout', $2, false),
            set_config('default_transaction_isolation', 'read committed', false)
        """)

    /// - Throws: ``PostgresError`` with a sentence for a server that cannot hold the ledger.
    func prepare(_ connection: PostgresConnection) async throws(PostgresError) {
        func milliseconds(_ time: Duration) -> PostgresValue { .text("\(Int(time / .milliseconds(1)))") }
        let command = Self.setUp.with(milliseconds(limits.answer), milliseconds(limits.standstill))
        let results = try await connection.run([command], within: limits.connect)
        guard let row = results.first?.rows.first else {
            throw PostgresError(.malformed, "PostgreSQL at \(endpoint) does not tell its settings")
        }
        let encoding = try row.text(0)
        guard encoding == "UTF8" else {
            throw PostgresError(
                .refusedSignIn,
                "the database \(endpoint) has the encoding \(encoding) and needs UTF8; make it with: "
                    + "createdb --encoding UTF8 --template template0 \(endpoint.database)")
        }
        let isReplica = try row.flag(1)
        let takesNoWrites = try row.text(3) == "on"
        if isReplica || takesNoWrites {
            throw PostgresError(
                .refusedSignIn,
                "PostgreSQL at \(endpoint) " + (isReplica ? "is a read-only replica" : "takes no writes")
                    + "; name the server that takes writes in --database, or all of them",
                sqlState: .readOnlyTransaction)
        }
        let isSyncing = try row.text(2) == "on"
        guard isSyncing || settings.durability == .normal else {
            throw PostgresError(
                .refusedSignIn,
                "PostgreSQL at \(endpoint) does not wait for its disk (fsync=off), and a power cut would lose "
                    + "purchases; set fsync=on in postgresql.conf")
        }
    }
}
