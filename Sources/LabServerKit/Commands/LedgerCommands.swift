import ArgumentParser
import Foundation
import InventoryService
import LedgerPostgres
import LedgerSQLite

extension LedgerOptions {
    /// Where the ledger is, by flag, environment or default.
    var address: DatabaseAddress {
        get throws(StartFailure) { try address(database, flag: "--database") }
    }

    /// Reads an address that stands at a flag; where it does not, that of the environment or the default.
    func address(_ flagged: String?, flag: String) throws(StartFailure) -> DatabaseAddress {
        let values = SettingValues(
            flags: flagged.map { [.database: $0] } ?? [:], files: files,
            environment: ProcessInfo.processInfo.environment
        ) { try? String(contentsOfFile: $0, encoding: .utf8) }
        if let path = databasePasswordFile, values[.databasePassword] == nil {
            throw StartFailure(.usage, "cannot read \(path); check --database-password-file")
        }
        guard let text = values.text(.database) else {
            return .sqlite(path: DatabaseAddress.standardPath)
        }
        do throws(StartFailure) {
            return try DatabaseAddress(parsing: text, password: values.text(.databasePassword))
        } catch {
            throw StartFailure(error.code, "\(flag): \(error)")
        }
    }

    /// Opens the ledger, with its schema brought up to date, and closes it behind `body`.
    ///
    /// - Parameters:
    ///   - keepsCopy: Whether a ledger in a file whose schema changes is copied first.
    ///   - inUse: Called in place of `body` where another process has the file open; nil refuses.
    func withLedger(
        keepsCopy: Bool = true,
        inUse: ((_ path: String, _ refusal: InventoryError) async throws -> Void)? = nil,
        _ body: (any ServedLedger) async throws -> Void
    ) async throws {
        let address = try address
        let ledger: any ServedLedger
        do throws(InventoryError) {
            switch address {
            case .sqlite(let path):
                ledger = try await SQLiteLedger.open(path: path, keepsCopy: keepsCopy)
            case .postgres(let endpoint):
                ledger = try await PostgresLedger.open(endpoint)
            }
        } catch {
            if error.code == .databaseLocked, let inUse, case .sqlite(let path) = address {
                return try await inUse(path, error)
            }
            throw StartFailure(.databaseUnusable, error.context)
        }
        let result: Result<Void, any Error>
        do {
            try await body(ledger)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await ledger.close()
        try result.get()
    }
}

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the schema of a stopped server's ledger up to date; serve does it too.",
        discussion: """
            There is no way back to an older schema, so a ledger whose schema changes is first copied to a file beside \
            it, as backup does; restore takes that file. A ledger on PostgreSQL is not copied: run backup first.

            With --from and --to it moves the ledger of a stopped server from SQLite into a database of PostgreSQL that \
            holds nothing, and compares every row at its end. Killed or refused in the middle, it goes on when it is \
            run again. The file keeps its rows, and no server opens it any more. The password for --to is read as \
            that for --database.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Flag(help: "Make no copy, for example where the disk has no room for one.")
    var withoutCopy = false

    @Option(
        help: ArgumentHelp("Move the ledger that is in this file, sqlite:PATH.", valueName: "address"))
    var from: String?

    @Option(help: ArgumentHelp("Where to move it: postgres://USER@HOST/NAME.", valueName: "address"))
    var to: String?

    func run() async throws {
        if from != nil || to != nil { return try await move() }
        let address = try ledger.address
        try await ledger.withLedger(keepsCopy: !withoutCopy) { ledger in
            if let copy = (ledger as? SQLiteLedger)?.copyBefore {
                try answer("\(copy): a copy of the ledger as it was\n")
            }
            try answer("the schema of \(address) is up to date\n")
        }
    }
}

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the ledger of a running or a stopped server into a new file, and check the copy.",
        discussion: """
            A ledger on SQLite becomes a file that is a ledger itself. One on PostgreSQL becomes an archive of pg_dump, \
            which must be installed and not be older than the server.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Argument(help: "The file to write; it must not exist.")
    var file: String

    func run() async throws {
        let address = try ledger.address
        let purchases: Int
        do throws(InventoryError) {
            purchases =
                switch address {
                case .sqlite(let path): try await SQLiteLedger.backUp(databaseAt: path, to: file)
                case .postgres(let endpoint): try await PostgresLedger.backUp(endpoint, to: file)
                }
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
        try answer("\(file): a sound copy of \(address) with \(purchases) purchases\n")
    }
}
