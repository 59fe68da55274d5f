import InventoryService
import LabProcesses
import LabTesting
import Testing

@testable import LedgerPostgres
@testable import LedgerSQLite

/// What a ledger can stand on. A test that takes one of these as its argument is run on each.
enum LedgerEngine: String, Sendable, CaseIterable {
    case sqlite
    case postgres

    /// A place for one ledger, which can be opened and closed there again and again.
    ///
    /// Where the engine is not installed, the test is skipped, and says so.
    func withPlace(_ body: (_ open: () async throws -> any Ledger) async throws -> Void) async throws {
        switch self {
        case .sqlite:
            let directory = try TemporaryDirectory(prefix: "lab-ledger")
            let path = directory.file("ledger.sqlite")
            try await body {
                try await SQLiteLedger.open(path: path, settings: LedgerSettings(patience: .seconds(60)))
            }
            directory.remove()
        case .postgres:
            guard PostgresDatabases.canBeMade else { try Test.cancel("\(PostgresDatabases.absence)") }
            let endpoint = try await PostgresDatabases.make()
            try await body { try await PostgresLedger.open(endpoint, settings: .unsynced) }
        }
    }

    /// An empty ledger.
    func withLedger(_ body: (any Ledger) async throws -> Void) async throws {
        try await withPlace { open in
            let ledger = try await open()
            do {
                try await body(ledger)
            } catch {
                await ledger.close()
                throw error
            }
            await ledger.close()
        }
    }
}

extension LedgerSettings {
    /// For a PostgreSQL server that does not wait for its disk, with the patience of a busy machine.
    static var unsynced: LedgerSettings {
        var settings = LedgerSettings(patience: .seconds(60))
        settings.durability = .normal
        return settings
    }
}
