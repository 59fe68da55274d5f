import InventoryService
import PostgresClient

/// What an error of PostgreSQL means for those who use the ledger.
extension PostgresLedger {
    static func error(_ error: any Error, file: String = #fileID, line: Int = #line) -> InventoryError {
        guard let error = error as? PostgresError else {
            return error as? InventoryError
                ?? InventoryError(.ledgerUnavailable, unusable, underlying: error, file: file, line: line)
        }
        let (code, context): (InventoryError.Code, String) =
            switch (error.code, error.sqlState) {
            case (.outcomeUnknown, _):
                (
                    .recordUnknown,
                    "the connection to the ledger ended under a commit: what became of it is not known"
                )
            case (.exhausted, _): (.ledgerOverloaded, "too many wait for a connection to the ledger")
            case (.refused, .diskFull): (.ledgerFull, "the disk of the ledger is full")
            case (.refused, .lockNotAvailable), (.refused, .cancelled):
                (.ledgerOverloaded, "the ledger did not come to this in time")
            case (.closed, _): (.ledgerUnavailable, "the ledger is closed")
            default: (.ledgerUnavailable, unusable)
            }
        return InventoryError(code, context, underlying: error, file: file, line: line)
    }

    private static let unusable = "the ledger cannot be used at the moment"

    /// For the person who starts a server.
    static func startFailure(_ error: any Error, _ endpoint: PostgresEndpoint) -> InventoryError {
        guard let error = error as? PostgresError else {
            return error as? InventoryError
                ?? InventoryError(.databaseUnusable, "cannot use the database \(endpoint): \(error)")
        }
        let context =
            switch (error.code, error.sqlState) {
            case (.refused, .noRight):
                "PostgreSQL at \(endpoint) does not let this user make the tables of the ledger; give it the "
                    + "database: ALTER DATABASE \(endpoint.database) OWNER TO …"
            case (.refused, let state?):
                "PostgreSQL at \(endpoint) refused to set up the ledger (SQLSTATE \(state)): \(error.context)"
            default: error.context
            }
        return InventoryError(.databaseUnusable, context, underlying: error)
    }
}
