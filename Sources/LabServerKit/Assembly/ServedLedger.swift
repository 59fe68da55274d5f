import InventoryService
import LedgerPostgres
import LedgerSQLite
import PostgresClient

/// A ledger that a server can be run on: beside the calls of the protocol, what its metrics and its start
/// need.
protocol ServedLedger: Ledger {
    /// In the names of metrics: `lab_sqlite_commits_total`.
    static var engine: String { get }

    /// What waits for the writer of sales, and what it did so far.
    var load: LedgerWriterLoad { get }

    /// What only this engine has to show.
    var ownGauges: [Gauge] { get }

    /// Where the server takes the orders of `admin create`; nil where that command needs no server, because
    /// several processes may write the ledger.
    var adminSocket: AdminSocket? { get }

    /// Makes the sums that a limit for each user asks for quick.
    func indexPurchasesByUserAndProduct() async throws(InventoryError)
}

extension SQLiteLedger: ServedLedger {
    static var engine: String { "sqlite" }

    var ownGauges: [Gauge] {
        [Gauge(name: "lab_wal_bytes", help: "Size of the ledger's write-ahead log.", value: logBytes)]
    }

    var adminSocket: AdminSocket? { AdminSocket(ofDatabase: path) }
}

extension PostgresLedger: ServedLedger {
    static var engine: String { "postgres" }

    var ownGauges: [Gauge] {
        let connections = connections
        return [
            Gauge(
                name: "lab_postgres_connections",
                help: "Connections to PostgreSQL, without those for sales and for signs of life.",
                samples: [
                    .init(labels: [("state", "busy")], value: connections.busy),
                    .init(labels: [("state", "idle")], value: connections.idle),
                ]),
            Gauge(
                name: "lab_postgres_waiting", help: "Calls that wait for a connection to PostgreSQL.",
                value: connections.waiting),
        ]
    }

    var adminSocket: AdminSocket? { nil }
}
