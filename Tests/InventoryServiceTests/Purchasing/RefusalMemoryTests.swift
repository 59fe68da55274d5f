import Foundation
import GRDB
import LabTesting
import LockStrategies
import Logging
import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// What did not become a sale is kept for a while, and does not fill the disk.
@Suite("The memory of refusals")
struct RefusalMemoryTests {
    private static let now = WallClock.system.now

    private func refuse(
        _ number: Int, _ user: UserID, _ ledger: SQLiteLedger, at time: Timestamp
    ) async throws {
        try await ledger.record(
            PurchaseRefusal(
                user: user, key: try IdempotencyKey("key-\(number)"), product: ProductID(1),
                quantity: 1, outcome: .soldOut, refusedAt: time))
    }

    private func isKept(_ number: Int, _ user: UserID, _ ledger: SQLiteLedger) async throws -> Bool {
        try await ledger.answer(to: user, under: try IdempotencyKey("key-\(number)")) != nil
    }

    private func reconcile(_ shop: Shop, _ layout: StockLayout) async throws {
        _ = try await Reconciler(
            strategy: try shop.luaAtomic, store: shop.ledger, stock: StockStore(shop.redis, layout: layout),
            gate: .open, servers: { () async throws(RedisError) in [] },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).run()
    }

    @Test("keeps the newest thousand of a user, who may make up a key for each request; others lose nothing")
    func quota() async throws {
        try await withShop { shop async throws in
            let created = try await shop.ledger.createUser(.sample("other"))
            guard case .created(let other) = created else { throw ShopError.noBuyer }
            try await refuse(1, other.id, shop.ledger, at: Self.now.advanced(by: .seconds(-60)))
            for number in 1...1010 {
                try await refuse(
                    number, shop.buyer, shop.ledger, at: Self.now.advanced(by: .milliseconds(number)))
            }
            for number in [1, 10] { #expect(try await !isKept(number, shop.buyer, shop.ledger)) }
            for number in [11, 12, 1010] { #expect(try await isKept(number, shop.buyer, shop.ledger)) }
            #expect(try await isKept(1, other.id, shop.ledger))
        }
    }

    @Test(
        "forgets after a day, wherever the units are; a day old is not yet",
        arguments: [
            StockLayout.oneKey, .ledger,
        ])
    func day(layout: StockLayout) async throws {
        try await withShop { shop async throws in
            try await refuse(1, shop.buyer, shop.ledger, at: Self.now.advanced(by: .seconds(-25 * 3600)))
            try await refuse(2, shop.buyer, shop.ledger, at: Self.now.advanced(by: .seconds(-23 * 3600)))
            try await reconcile(shop, layout)
            #expect(try await !isKept(1, shop.buyer, shop.ledger))
            #expect(try await isKept(2, shop.buyer, shop.ledger))
        }
    }

    @Test("goes in slices: more of them than one deletion takes are all gone")
    func slices() async throws {
        try await withShop { shop async throws in
            let old = Self.now.advanced(by: .seconds(-48 * 3600))
            let ids = (0..<2500).map { _ in ReservationID(random: .system) }
            _ = try await shop.ledger.end(ids, at: old)
            let young = ReservationID(random: .system)
            _ = try await shop.ledger.end([young], at: Self.now)
            try await reconcile(shop, .oneKey)
            let left = try await shop.ledger.pool.read { database in
                try String.fetchAll(database, sql: "SELECT reservation_id FROM ended_reservations")
            }
            #expect(left == [young.description])
        }
    }
}
