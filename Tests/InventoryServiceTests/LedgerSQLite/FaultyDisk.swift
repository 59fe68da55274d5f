import GRDB
import LabProcesses
import LabTesting
import LockStrategies

@testable import InventoryService
@testable import LedgerSQLite

/// A ledger with one buyer and one product on a disk that can fail.
struct FaultyDisk {
    let disk: PowerCutDisk
    let ledger: SQLiteLedger
    let path: String
    let buyer: UserID
    let product: ProductID

    static func run(
        _ settings: LedgerSettings = LedgerSettings(), units: Int = 100_000,
        _ body: (FaultyDisk) async throws -> Void
    ) async throws {
        let disk = try PowerCutDisk()
        let path = disk.file("ledger.sqlite")
        let ledger = try await SQLiteLedger.open(path: path, settings: settings)
        guard case .created(let user) = try await ledger.createUser(.sample("buyer")) else {
            throw ShopError.noBuyer
        }
        let new = try NewProduct(name: "thing", price: 1, initialStock: units)
        let product = try await ledger.createProduct(new, actor: user.id, at: Timestamp(microseconds: 1))
        do {
            try await body(
                FaultyDisk(disk: disk, ledger: ledger, path: path, buyer: user.id, product: product.id))
        } catch {
            await ledger.close()
            throw error
        }
        await ledger.close()
    }

    func sale() -> Sale {
        Sale(
            reservation: ReservationID(random: .system), user: buyer, product: product, quantity: 1,
            idempotencyKey: nil, strategy: "lua-atomic", fence: nil,
            purchasedAt: Timestamp(microseconds: 1_800_000_000_000_000))
    }

    /// Sells one unit; returns its reservation when the sale was acknowledged.
    func sell() async throws(InventoryError) -> String {
        let sale = sale()
        guard case .recorded = try await ledger.record(sale) else {
            throw InventoryError(.ledgerUnavailable, "not recorded")
        }
        return sale.reservation.description
    }

    /// The reservations in the ledger as it runs.
    func rows() async throws -> Set<String> {
        try await ledger.pool.read { try Self.rows($0) }
    }

    static func rows(_ database: Database) throws -> Set<String> {
        try Set(String.fetchAll(database, sql: "SELECT reservation_id FROM purchases"))
    }

    /// The reservations in what is left after a power cut now, which must be sound.
    func rowsAfterPowerCut(tear: UInt64? = nil) throws -> Set<String> {
        try Self.rows(in: try disk.image(tear: tear))
    }

    /// The reservations in what is left when the process dies now.
    func rowsAfterCrash() throws -> Set<String> {
        try Self.rows(in: try disk.crashImage())
    }

    private static func rows(in image: TemporaryDirectory) throws -> Set<String> {
        if let damage = WriteAheadLog.damage(ofDatabase: image.file("ledger.sqlite")) {
            throw PowerCutDisk.Failure(what: damage)
        }
        let database = try DatabaseQueue(path: image.file("ledger.sqlite"))
        let (state, rows) = try database.write { database in
            (try String.fetchOne(database, sql: "PRAGMA integrity_check"), try Self.rows(database))
        }
        try database.close()
        image.remove()
        guard state == "ok" else { throw PowerCutDisk.Failure(what: state ?? "no answer") }
        return rows
    }
}
