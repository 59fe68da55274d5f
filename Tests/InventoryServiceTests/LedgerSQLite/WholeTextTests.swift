import GRDB
import InventoryService
import LabProcesses
import LockStrategies
import Testing

@testable import LedgerSQLite

/// SQLite's C interface ends a text at U+0000. A text that goes on after it must not be taken for its
/// beginning.
@Suite("A text with U+0000")
struct WholeTextTests {
    private func withLedger(_ body: (SQLiteLedger, UserID, ProductID) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let ledger = try await SQLiteLedger.open(path: directory.file("ledger.sqlite"))
        guard case .created(let user) = try await ledger.createUser(.sample("annabel")) else {
            throw ShopError.noBuyer
        }
        let product = try await ledger.createProduct(
            NewProduct(name: "thing", price: 1, initialStock: 9), actor: user.id,
            at: Timestamp(microseconds: 1))
        try await body(ledger, user.id, product.id)
        await ledger.close()
        directory.remove()
    }

    @Test("finds no user whose name is its beginning")
    func search() async throws {
        try await withLedger { ledger, _, _ async throws in
            #expect(try await ledger.credentials(of: "annabel") != nil)
            for name in ["annabel\0", "annabel\0x", "\0annabel"] {
                #expect(try await ledger.credentials(of: name) == nil)
            }
        }
    }

    @Test("is refused by every column that is written from a text, and costs only itself")
    func columns() async throws {
        try await withLedger { ledger, user, product async throws in
            let time = Timestamp(microseconds: 1_800_000_000_000_000)
            func newUser(_ name: String, _ email: String?) -> NewUser {
                NewUser(
                    username: name, email: email, passwordHash: PasswordHash(stored: "-"), role: .user,
                    createdAt: time)
            }
            let writes: [(column: String, write: () async throws -> Void)] = [
                ("users.username", { _ = try await ledger.createUser(newUser("bea\0x", nil)) }),
                ("users.email", { _ = try await ledger.createUser(newUser("bea", "bea\0@host")) }),
                (
                    "purchases.strategy",
                    {
                        _ = try await ledger.record(
                            Sale(
                                reservation: ReservationID(random: .system), user: user, product: product,
                                quantity: 1, idempotencyKey: nil, strategy: "lua\0", fence: nil,
                                purchasedAt: time))
                    }
                ),
                (
                    "stock_movements.reason",
                    {
                        _ = try await ledger.record(
                            SupplyMovement(
                                id: ReservationID(random: .system), product: product, delta: 1,
                                reason: "more\0", actor: user, epoch: nil, time: time))
                    }
                ),
                (
                    "stock_servers.run_id",
                    { try await ledger.noteStockServers(["run\0"], distrust: false) }
                ),
            ]
            for (column, write) in writes {
                await #expect(throws: InventoryError.self, "\(column)") { try await write() }
            }
            #expect(try await ledger.credentials(of: "bea") == nil)
            #expect(try await ledger.stockServers() == [])
            #expect(try await ledger.purchases(of: user, Page()).total == 0)
            #expect(try await ledger.stockAccounts(after: nil, limit: 9).map(\.supplied) == [9])
        }
    }

    @Test("is refused as the name or the description of a product", arguments: ["thing\0", "\0"])
    func products(text: String) {
        #expect(throws: InventoryError.self) { try NewProduct(name: text, price: 1, initialStock: 1) }
        #expect(throws: InventoryError.self) {
            try NewProduct(name: "thing", description: text, price: 1, initialStock: 1)
        }
        #expect(throws: InventoryError.self) { try ProductChange(name: text) }
        #expect(throws: InventoryError.self) { try ProductChange(description: text) }
        #expect(throws: InventoryError.self) { try IdempotencyKey(text) }
    }
}
