import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Synchronization
import Testing

@testable import InventoryService

@Suite("Idempotency keys")
struct IdempotencyTests {
    @Test("One key used by many while the first is still running: one reservation, one purchase, one answer")
    func whileRunning() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 50)
            let gate = Gate()
            let real = try shop.luaAtomic
            let reserved = Recorder<ReservationID>()
            let service = shop.purchases(
                Answer { reservation throws(StrategyError) in
                    reserved.note(reservation.id)
                    await gate.pass()
                    return try await real.reserve(reservation)
                })
            let key = try IdempotencyKey("k")
            let buyer = shop.buyer
            let tasks = (0..<50).map { _ in
                Task {
                    try await service.purchase(product: product, quantity: 1, for: buyer, idempotencyKey: key)
                        .outcome
                }
            }
            await gate.reached()
            try await waitUntil { service.waitingUnderKeys == 49 }
            // Another body is told at once, another user's key is another key.
            let mismatch = try await code {
                _ = try await service.purchase(
                    product: product, quantity: 2, for: buyer, idempotencyKey: key)
            }
            #expect(mismatch == .idempotencyMismatch)
            gate.open()
            var kinds: [PurchaseOutcome.Kind] = []
            var ids: Set<PurchaseID> = []
            for task in tasks {
                let outcome = try await task.value
                kinds.append(outcome.kind)
                switch outcome {
                case .purchased(let purchase), .repeated(let purchase): ids.insert(purchase.id)
                default: break
                }
            }
            #expect(kinds.count { $0 == .purchased } == 1)
            #expect(kinds.count { $0 == .repeated } == 49)
            #expect(ids.count == 1)
            #expect(reserved.values.count == 1)
            #expect(try await shop.stock.read(product) == 49)
        }
    }

    @Test(
        "A final refusal is the answer to its key for good; another body is a mismatch")
    func refusalKept() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 1)
            let key = try IdempotencyKey("k")
            let service = shop.purchases(try shop.luaAtomic)
            func buy(_ quantity: Int) async throws -> PurchaseOutcome {
                try await service.purchase(
                    product: product, quantity: quantity, for: shop.buyer, idempotencyKey: key
                ).outcome
            }
            #expect(try await buy(2) == .soldOut)
            _ = try await shop.redis.send(RedisCommand("SET", ProductKeys(product).stock, "9"))
            #expect(try await buy(2) == .soldOut)
            #expect(try await code { _ = try await buy(1) } == .idempotencyMismatch)
            let stored = try await shop.ledger.answer(to: shop.buyer, under: key)
            guard case .refusal(let refusal) = stored else {
                Issue.record("\(String(describing: stored))")
                return
            }
            #expect(refusal.outcome == .soldOut)
        }
    }

    @Test("A lock that was not obtained, and an error, leave the key free")
    func keyFree() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let key = try IdempotencyKey("k")
            let real = try shop.luaAtomic
            let calls = Recorder<Int>()
            let service = shop.purchases(
                Answer { reservation throws(StrategyError) in
                    calls.note(1)
                    switch calls.values.count {
                    case 1: return ReserveOutcome(.contended, evidence: Evidence())
                    case 2: throw StrategyError(.unavailable, "planted")
                    default: return try await real.reserve(reservation)
                    }
                })
            func buy() async throws -> PurchaseOutcome.Kind {
                try await service.purchase(
                    product: product, quantity: 1, for: shop.buyer, idempotencyKey: key
                ).outcome.kind
            }
            #expect(try await buy() == .contended)
            #expect(try await code { _ = try await buy() } == .redisUnavailable)
            #expect(try await buy() == .purchased)
            #expect(try await buy() == .repeated)
        }
    }

    @Test("Who waits for a first request that its client gave up takes its turn")
    func firstCancelled() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let key = try IdempotencyKey("k")
            let gate = Gate()
            let real = try shop.luaAtomic
            let calls = Recorder<Int>()
            let service = shop.purchases(
                Answer { reservation throws(StrategyError) in
                    calls.note(1)
                    if calls.values.count == 1 {
                        await gate.pass()
                        throw StrategyError(.cancelled, "the client went away")
                    }
                    return try await real.reserve(reservation)
                })
            let buyer = shop.buyer
            func buy() -> Task<PurchaseOutcome.Kind, any Error> {
                Task {
                    try await service.purchase(
                        product: product, quantity: 1, for: buyer, idempotencyKey: key
                    ).outcome.kind
                }
            }
            let first = buy()
            await gate.reached()
            let second = buy()
            try await waitUntil { service.waitingUnderKeys == 1 }
            gate.open()
            #expect(try await code { _ = try await first.value } == .cancelled)
            #expect(try await second.value == .purchased)
            #expect(try await shop.stock.read(product) == 4)
        }
    }
}
