import ArgumentParser
import Foundation
import InventoryService
import LedgerPostgres
import LedgerSQLite

/// The counterpart of `backup`.
struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a ledger of a backup, at a place where no server is at work.",
        discussion: """
            The backup is copied, checked and brought up to date before the place is touched; what is damaged, of a \
            newer version or contradicts itself is refused. Says how far behind the restored ledger is (RPO) and how \
            long it took (RTO). On PostgreSQL the place is a database that holds nothing.

            What was recorded after the backup is lost. Numbers of users, products and purchases go on from the time \
            of the restore, and all tokens end, so that nothing of the lost time is taken for something new. The next \
            start fills every stock in Redis from the restored ledger, whatever Redis holds.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Argument(help: "The file that backup wrote.")
    var backup: String

    @Flag(help: "A ledger that is there gives way; it is kept beside it under another name. For SQLite.")
    var replace = false

    @Flag(help: "The ledger of before goes on: leave its stock in Redis alone, and use another name there.")
    var drill = false

    @Flag(help: "One JSON object instead of lines.")
    var json = false

    func run() async throws {
        let address = try ledger.address
        let crashAt = ProcessInfo.processInfo.environment["LAB_CRASH_AT"]
        let report: RestoreReport
        do throws(InventoryError) {
            let crashPoints =
                try crashAt.map { text throws(InventoryError) in try ServePlan.crashPoints(text) } ?? .none
            switch address {
            case .sqlite(let path):
                report = try await SQLiteLedger.restore(
                    backupAt: backup, to: path, replacing: replace, isDrill: drill, crashPoints: crashPoints)
            case .postgres(let endpoint):
                guard !replace else {
                    throw InventoryError(
                        .unsafeConfiguration,
                        "--replace is for sqlite:PATH; on PostgreSQL, make another database with createdb, restore "
                            + "into it, and start the servers with it")
                }
                report = try await PostgresLedger.restore(
                    backupAt: backup, to: endpoint, isDrill: drill, crashPoints: crashPoints)
            }
        } catch {
            throw StartFailure(
                error.code == .unsafeConfiguration ? .usage : .databaseUnusable, error.context)
        }
        try answer(json ? report.json : report.text)
    }
}

extension RestoreReport {
    /// For a person.
    var text: String {
        var lines = ["\(database): restored from \(backup)"]
        lines.append(
            newSteps.isEmpty
                ? "schema: up to date"
                : "schema: of an older version, brought up to date by \(newSteps.count) steps")
        lines.append(
            "holds \(users) users, \(products) products on sale, \(purchases) purchases; sold \(unitsSold) of "
                + "\(unitsSupplied) units")
        lines.append("last purchase: " + (lastPurchase?.description ?? "none"))
        let source: String
        switch backedUp {
        case .noted: source = ""
        case .file: source = " by its file's date"
        }
        lines.append(
            "RPO: the backup is of \(backedUp.time)\(source), its newest row \(Self.seconds(newestRowAge)) s "
                + "older; what was recorded in the \(Self.seconds(backupAge)) s since then is lost")
        lines.append("RTO: \(Self.seconds(duration)) s; the next start fills the stocks in Redis")
        if let kept { lines.append("kept: \(kept), the ledger that was there") }
        lines.append("all tokens have ended: users sign in again")
        return lines.joined(separator: "\n") + "\n"
    }

    /// What `--json` prints.
    private struct Document: Encodable {
        let database: String
        let backup: String
        let kept: String?
        let newSchemaSteps: [String]
        let users: Int
        let products: Int
        let purchases: Int
        let unitsSupplied: Int
        let unitsSold: Int
        let lastPurchaseAt: String?
        let newestRowAt: String?
        let backupAt: String
        /// `backup` or `file`.
        let backupTimeFrom: String
        let restoredAt: String
        let rpoS: Double
        let backupAgeS: Double
        let rtoS: Double
    }

    /// For a program; seconds end in `_s`.
    var json: String {
        get throws {
            let isNoted: Bool
            switch backedUp {
            case .noted: isNoted = true
            case .file: isNoted = false
            }
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let document = Document(
                database: database, backup: backup, kept: kept, newSchemaSteps: newSteps, users: users,
                products: products, purchases: purchases, unitsSupplied: unitsSupplied, unitsSold: unitsSold,
                lastPurchaseAt: lastPurchase?.description, newestRowAt: newestRow?.description,
                backupAt: backedUp.time.description, backupTimeFrom: isNoted ? "backup" : "file",
                restoredAt: restored.description, rpoS: newestRowAge / .seconds(1),
                backupAgeS: backupAge / .seconds(1), rtoS: duration / .seconds(1))
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        String(format: "%.3f", duration / .seconds(1))
    }
}
