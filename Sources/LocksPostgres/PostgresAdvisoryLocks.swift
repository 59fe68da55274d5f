import Dispatch
package import LockStrategies
package import PostgresClient

/// Advisory locks in the sessions of one PostgreSQL server. It makes connections when they are wanted and
/// uses them again.
///
/// *How it waits.* `pg_advisory_lock` stands in the server's own queue, in arrival order, and nobody asks
/// again and again. `lock_timeout` bounds the wait: it "aborts any statement that waits longer than the
/// specified amount of time while attempting to acquire a lock" and is set for that transaction alone. The
/// alternative, `pg_try_advisory_lock` in a loop, is the herd of `setnx-spin`; it is used for a single try
/// only.
///
/// *Doubt ends the session.* An answer that does not come, a wait that is cancelled, an unlock without a
/// reply: the connection is closed, and the server frees what the session holds, or gets, as soon as it hears
/// of that. A session that is used again never holds a lock: a second lock by the same session would be
/// granted at once.
///
/// Sources: PostgreSQL 15, "Advisory Lock Functions"; "Client Connection Defaults", `lock_timeout`;
/// "Connections and Authentication", `tcp_keepalives_idle`.
package final class PostgresAdvisoryLocks: AdvisoryLocks {
    /// One initialiser holds every default.
    package struct Settings: Sendable, Hashable {
        /// Sessions at most: keys that can be locked, or waited for, at the same time.
        package var sessions: Int
        /// How long a connection may take to be made.
        package var connect: Duration
        /// How long the server may take to answer, beside the wait for the lock.
        package var answer: Duration
        /// A client that gives no sign of TCP for so long is dead to the server, which frees its lock.
        package var silence: Duration

        package init(
            sessions: Int = 8, connect: Duration = .seconds(2), answer: Duration = .seconds(2),
            silence: Duration = .seconds(30)
        ) {
            self.sessions = sessions
            self.connect = connect
            self.answer = answer
            self.silence = silence
        }
    }

    private let pool: PostgresPool
    private let settings: Settings

    package init(_ endpoint: PostgresEndpoint, _ settings: Settings = Settings()) {
        self.settings = settings
        let pool = PostgresPool.Settings(
            connections: settings.sessions, connect: settings.connect, answer: settings.answer)
        self.pool = PostgresPool(endpoint, pool) { connection throws(PostgresError) in
            try await AdvisorySQL.prepare(connection, endpoint, settings)
        }
    }

    /// Sessions that somebody has, and those that are free.
    package var load: PostgresPool.Load { pool.load }

    package func lock(
        _ number: Int64, within limit: Duration
    ) async throws(StrategyError) -> (any AdvisorySession)? {
        let end = ContinuousClock.now + limit
        let connection: PostgresConnection
        do throws(PostgresError) {
            connection = try await pool.lend(within: max(limit, .zero))
        } catch {
            throw Self.error(error, "asking PostgreSQL for a session")
        }
        let rest = ContinuousClock.now.duration(to: end)
        do throws(PostgresError) {
            let isGranted = try await AdvisorySQL.lock(number, on: connection, within: rest, settings)
            if isGranted, !Task.isCancelled {
                return Session(connection: connection, pool: pool, number: number, limit: settings.answer)
            }
            if isGranted { connection.close() }
            pool.takeBack(connection)
        } catch {
            connection.close()
            pool.takeBack(connection)
            throw Self.error(error, "asking PostgreSQL for a lock")
        }
        guard !Task.isCancelled else { throw Self.cancelled }
        return nil
    }

    /// Ends the sessions that nobody has; the others end when they are given back, or with the process.
    package func close() { pool.close() }

    private static let cancelled = StrategyError(
        .cancelled, "cancelled while waiting for a lock of PostgreSQL")

    /// None of these has taken anything from a stock.
    fileprivate static func error(_ error: PostgresError, _ step: String) -> StrategyError {
        if Task.isCancelled { return cancelled }
        return StrategyError(.lockUnavailable, "\(step): \(error.context)")
    }
}

/// A connection whose session holds one lock.
private struct Session: AdvisorySession {
    let connection: PostgresConnection
    let pool: PostgresPool
    let number: Int64
    let limit: Duration

    var isAlive: Bool { connection.lives() }

    func unlock() async throws(StrategyError) -> Bool {
        defer { pool.takeBack(connection) }
        guard connection.lives() else { return false }
        do throws(PostgresError) {
            let wasHeld = try await AdvisorySQL.unlock(number, on: connection, within: limit)
            // Somebody meddles with the session, so nothing is known of it.
            if !wasHeld { connection.close() }
            return wasHeld
        } catch {
            connection.close()
            throw StrategyError(.outcomeUnknown, "freeing a lock of PostgreSQL: \(error.context)")
        }
    }

    func end(after delay: Duration) {
        let nanoseconds = Int(min(max(delay / .nanoseconds(1), 0), 1e17))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) {
            connection.close()
            pool.takeBack(connection)
        }
    }
}
