import LabTesting
import LedgerSQLite
import LockStrategies
import Logging
import Synchronization
import Testing

@testable import InventoryService

@Suite("Sold out, says a Redis that nobody trusts")
struct SoldOutInDoubtTests {
    @Test("is no answer to a buyer, and is not kept under the key")
    func purchase() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let isOlder = Mutex(true)
            let generation = Counter()
            let gate = SalesGate(generation: { generation.value }, trusted: 0)
            let real = try shop.luaAtomic
            let strategy = Answer(undo: real.undo) { reservation throws(StrategyError) in
                guard isOlder.withLock({ $0 }) else { return try await real.reserve(reservation) }
                // The server was exchanged before this command reached it.
                generation.rise()
                return ReserveOutcome(.soldOut(remaining: 0), evidence: Evidence(), epoch: shop.epoch)
            }
            let service = PurchaseService(
                strategy: strategy, store: shop.ledger, stock: shop.stock,
                settings: .init(strategy: .luaAtomic), gate: gate,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let key = try IdempotencyKey("key")
            let order = PurchaseOrder(product: product, quantity: 1, user: shop.buyer, key: key)
            #expect(try await code { _ = try await service.purchase(order) } == .stockReplaced)
            #expect(try await shop.ledger.answer(to: shop.buyer, under: key) == nil)
            isOlder.withLock { $0 = false }
            gate.trust(generation.value)
            #expect(try await service.purchase(order).outcome.kind == .purchased)
        }
    }

    @Test("does not refuse an administrator who takes units away")
    func supply() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let generation = Counter()
            let gate = SalesGate(generation: { generation.value }, trusted: 0)
            let strategy = Answer(undo: try shop.luaAtomic.undo) { _ throws(StrategyError) in
                generation.rise()
                return ReserveOutcome(.soldOut(remaining: 0), evidence: Evidence(), epoch: shop.epoch)
            }
            let supply = SupplyService(
                strategy: strategy, store: shop.ledger, stock: shop.stock, gate: gate)
            let failure = try await code {
                _ = try await supply.adjust(product, by: -1, because: "a test", actor: shop.buyer)
            }
            #expect(failure == .stockReplaced)
        }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func rise() { count.withLock { $0 += 1 } }
    }
}
