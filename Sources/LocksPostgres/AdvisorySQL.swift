import PostgresClient

/// The statements of advisory locks.
enum AdvisorySQL {
    /// A session lives until it is ended by us, or is lost: no time limit of the database or of the role ends
    /// it, or a statement in it. TCP has to show signs of life, because a machine that is gone says nothing.
    private static let setUp = PostgresStatement(
        nil,
        """
        SELECT pg_is_in_recovery(), set_config('application_name', 'lab advisory locks', false),
            set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false),
            set_config('tcp_keepalives_idle', $1, false), set_config('tcp_keepalives_interval', $1, false),
            set_config('tcp_keepalives_count', '2', false)
        """)

    /// Servers before PostgreSQL 14 and 17 do not know them.
    private static let setUpNewer = PostgresStatement(
        nil,
        """
        SELECT set_config(name, '0', false) FROM pg_settings
        WHERE name IN ('idle_session_timeout', 'transaction_timeout')
        """)

    private static let waitAtMost = PostgresStatement(
        "wait_at_most", "SELECT set_config('lock_timeout', $1, true)")
    private static let lock = PostgresStatement("advisory_lock", "SELECT pg_advisory_lock($1::bigint)")
    private static let tryLock = PostgresStatement(
        "advisory_try_lock", "SELECT pg_try_advisory_lock($1::bigint)")
    private static let unlock = PostgresStatement("advisory_unlock", "SELECT pg_advisory_unlock($1::bigint)")

    /// - Throws: ``PostgresError`` with a sentence for a server on which locks keep nobody apart.
    static func prepare(
        _ connection: PostgresConnection, _ endpoint: PostgresEndpoint,
        _ settings: PostgresAdvisoryLocks.Settings
    ) async throws(PostgresError) {
        // Silence is noticed after one time of idleness and two signs that are not answered.
        let seconds = max(Int(settings.silence / .seconds(1)) / 3, 1)
        let results = try await connection.run(
            [setUp.with(.text("\(seconds)")), setUpNewer.with()], within: settings.connect)
        guard try results.first?.rows.first?.flag(0) == false else {
            throw PostgresError(
                .refusedSignIn,
                "PostgreSQL at \(endpoint) is a read-only replica, which has locks of its own; name the server "
                    + "that takes writes")
        }
    }

    /// - Parameter wait: Below a millisecond it is a single try.
    /// - Returns: False when another session had it all the time.
    static func lock(
        _ number: Int64, on connection: PostgresConnection, within wait: Duration,
        _ settings: PostgresAdvisoryLocks.Settings
    ) async throws(PostgresError) -> Bool {
        // 0 would mean for ever, and more than fits into an integer means nothing.
        let milliseconds = Int(min(wait / .milliseconds(1), 86_400_000))
        guard milliseconds >= 1 else {
            let results = try await connection.runUnlessCancelled(
                [tryLock.with(.integer(number))], within: settings.answer)
            return try results.first?.rows.first?.flag(0) ?? false
        }
        do throws(PostgresError) {
            _ = try await connection.runUnlessCancelled(
                [waitAtMost.with(.text("\(milliseconds)")), lock.with(.integer(number))],
                within: .milliseconds(milliseconds) + settings.answer)
            return true
        } catch {
            guard error.code == .refused, error.sqlState == .lockNotAvailable else { throw error }
            return false
        }
    }

    /// - Returns: Whether the session had it.
    static func unlock(
        _ number: Int64, on connection: PostgresConnection, within limit: Duration
    ) async throws(PostgresError) -> Bool {
        let results = try await connection.run([unlock.with(.integer(number))], within: limit)
        return try results.first?.rows.first?.flag(0) ?? false
    }
}
