/// A question to PostgreSQL that was not answered.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// There is no connection, and nothing was sent.
        case unreachable
        /// The server does not let this user in, or not into this database; see `sqlState`.
        case refusedSignIn = "refused-sign-in"
        /// The server answered with an error; see `sqlState`.
        case refused
        /// The connection ended, or no answer came in time. A transaction that was not told to commit is
        /// rolled back.
        case lost
        /// The same while a transaction was told to commit: it is written as a whole or not at all, and
        /// nobody knows.
        case outcomeUnknown = "outcome-unknown"
        /// No connection of the pool became free in time; nothing was sent.
        case exhausted
        /// The answer has not the form that its reader expects.
        case malformed
        /// The pool is closed.
        case closed
    }

    package let code: Code
    /// A sentence for the person who reads the log.
    package let context: String
    package let sqlState: SQLState?
    package let file: String
    package let line: Int

    package init(
        _ code: Code, _ context: String, sqlState: SQLState? = nil, file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.context = context
        self.sqlState = sqlState
        self.file = file
        self.line = line
    }

    package var description: String {
        "\(code.rawValue): \(context)" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    }
}
