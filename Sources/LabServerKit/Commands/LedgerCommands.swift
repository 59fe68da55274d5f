import ArgumentParser
import Foundation
import InventoryService
import LedgerSQLite

extension LedgerOptions {
    /// The path of the database by flag, environment or default.
    var path: String {
        get throws(StartFailure) {
            let values = SettingValues(
                flags: database.map { [.database: $0] } ?? [:],
                environment: ProcessInfo.processInfo.environment, readFile: { _ in nil })
            guard let text = values.text(.database) else { return ServePlan.defaultDatabasePath }
            do throws(StartFailure) {
                return try ServePlan.sqlitePath(text).get()
            } catch {
                throw StartFailure(error.code, "--database: \(error)")
            }
        }
    }

    /// Opens the ledger, with its schema brought up to date, and closes it behind `body`.
    ///
    /// - Parameters:
    ///   - keepsCopy: Whether a ledger whose schema changes is copied first.
    ///   - inUse: Called in place of `body` where another process has the ledger open; nil refuses.
    func withLedger(
        keepsCopy: Bool = true, inUse: ((_ refusal: InventoryError) async throws -> Void)? = nil,
        _ body: (SQLiteLedger) async throws -> Void
    ) async throws {
        let path = try path
        let ledger: SQLiteLedger
        do throws(InventoryError) {
            ledger = try await SQLiteLedger.open(path: path, keepsCopy: keepsCopy)
        } catch {
            if error.code == .databaseLocked, let inUse { return try await inUse(error) }
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
            it, as backup does; restore takes that file.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Flag(help: "Make no copy, for example where the disk has no room for one.")
    var withoutCopy = false

    func run() async throws {
        let path = try ledger.path
        try await ledger.withLedger(keepsCopy: !withoutCopy) { ledger in
            if let copy = ledger.copyBefore { try answer("\(copy): a copy of the ledger as it was\n") }
            try answer("the schema of \(path) is up to date\n")
        }
    }
}

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the ledger of a running or a stopped server into a new file, and check the copy.")

    @OptionGroup var ledger: LedgerOptions

    @Argument(help: "The file to write; it must not exist.")
    var file: String

    func run() async throws {
        let path = try ledger.path
        let purchases: Int
        do throws(InventoryError) {
            purchases = try await SQLiteLedger.backUp(databaseAt: path, to: file)
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
        try answer("\(file): a sound copy of \(path) with \(purchases) purchases\n")
    }
}
