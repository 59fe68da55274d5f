import InventoryService
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@Suite struct PurchaseServiceTests {
    @Test("A purchase takes from the stock, is in the ledger, and leaves no reservation open")
    func purchase() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(price: 250, units: 5)
            let report = try await shop.purchases(shop.luaAtomic).purchase(
                product: product, quantity: 2, for: shop.buyer)
            guard case .purchased(let purchase) = report.outcome else {
                Issue.record("\(report.outcome)")
                return
            }
            #expect(purchase.totalPrice == 500)
            #expect(report.timings.evidence.attempts == 1)
            #expect(report.timings.sql > .zero)
            #expect(report.timings.redis > .zero)
            #expect(try await shop.stock.read(product) == 3)
            #expect(try await shop.openReservations(of: product) == 0)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).items == [purchase])
        }
    }

    @Test("Asking for more than is left is sold out and changes nothing")
    func soldOut() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 1)
            let report = try await shop.purchases(shop.luaAtomic).purchase(
                product: product, quantity: 2, for: shop.buyer)
            #expect(report.outcome == .soldOut)
            #expect(try await shop.stock.read(product) == 1)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).total == 0)
        }
    }

    @Test("A product that does not exist is not found; one whose stock is missing is unknown, not sold out")
    func missingProducts() async throws {
        try await withShop { shop async throws in
            let service = try shop.purchases(shop.luaAtomic)
            let unknown = try await service.purchase(product: ProductID(99), quantity: 1, for: shop.buyer)
            #expect(unknown.outcome == .productNotFound)
            // Anybody can ask for what does not exist, under new keys without end: nothing is written of it.
            let key = try IdempotencyKey("key")
            let again = try await service.purchase(
                product: ProductID(99), quantity: 1, for: shop.buyer, idempotencyKey: key)
            #expect(again.outcome == .productNotFound)
            #expect(try await shop.ledger.answer(to: shop.buyer, under: key) == nil)
            let product = try await shop.product(units: 1)
            _ = try await shop.redis.send(RedisCommand("DEL", ProductKeys(product).stock))
            let failure = try await code {
                _ = try await service.purchase(product: product, quantity: 1, for: shop.buyer)
            }
            #expect(failure == .stockUnknown)
        }
    }

    @Test("A stock in Redis without a product in the ledger sells nothing")
    func stockWithoutProduct() async throws {
        try await withShop { shop async throws in
            _ = try await shop.stock.initialise(ProductID(99), units: 5, as: shop.epoch)
            let report = try await shop.purchases(shop.luaAtomic).purchase(
                product: ProductID(99), quantity: 1, for: shop.buyer)
            #expect(report.outcome == .productNotFound)
            #expect(try await shop.openReservations(of: ProductID(99)) == 0)
        }
    }

    @Test(
        "A quantity out of range is refused before anything is asked",
        arguments: [0, -1, 1_000_000_001, .min, .max])
    func badQuantity(quantity: Int) async throws {
        try await withShop { shop async throws in
            let service = shop.purchases(
                Answer { _ throws(StrategyError) in
                    throw StrategyError(.unavailable, "asked")
                })
            let failure = try await code {
                _ = try await service.purchase(product: ProductID(1), quantity: quantity, for: shop.buyer)
            }
            #expect(failure == .invalidField)
        }
    }

    @Test("When Redis shows units that never existed, the ledger refuses and the units do not come back")
    func oversell() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 1)
            _ = try await shop.redis.send(RedisCommand("INCRBY", ProductKeys(product).stock, "4"))
            let service = try shop.purchases(shop.luaAtomic)
            var outcomes: [PurchaseOutcome.Kind] = []
            for _ in 0..<3 {
                let report = try await service.purchase(product: product, quantity: 1, for: shop.buyer)
                outcomes.append(report.outcome.kind)
            }
            #expect(outcomes == [.purchased, .oversellRefused, .oversellRefused])
            #expect(try await shop.stock.read(product) == 2)
            #expect(try await shop.openReservations(of: product) == 0)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).total == 1)
        }
    }

    @Test("When the ledger cannot record, the units go back to the stock exactly once")
    func ledgerFailure() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let service = try shop.purchases(shop.luaAtomic)
            let unknownUser = try await code {
                _ = try await service.purchase(product: product, quantity: 2, for: UserID(99))
            }
            #expect(unknownUser == .unknownUser)
            await shop.ledger.close()
            let closed = try await code {
                _ = try await service.purchase(product: product, quantity: 2, for: shop.buyer)
            }
            #expect(closed == .ledgerUnavailable)
            #expect(try await shop.stock.read(product) == 5)
            #expect(try await shop.openReservations(of: product) == 0)
        }
    }

    @Test(
        "When the strategy's answer is lost or the caller is cancelled, what it took is given back",
        arguments: [StrategyError.Code.outcomeUnknown, .cancelled])
    func lostAnswer(reason: StrategyError.Code) async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let real = try shop.luaAtomic
            let service = shop.purchases(
                Answer(undo: real.undo) { reservation throws(StrategyError) in
                    _ = try await real.reserve(reservation)
                    throw StrategyError(reason, "planted", evidence: Evidence(attempts: 3))
                })
            do {
                _ = try await service.purchase(product: product, quantity: 2, for: shop.buyer)
                Issue.record("sold")
            } catch let error as InventoryError {
                #expect(error.code == (reason == .cancelled ? .cancelled : .outcomeUnknown))
                #expect(error.timings?.evidence.attempts == 3)
            }
            #expect(try await shop.stock.read(product) == 5)
            #expect(try await shop.openReservations(of: product) == 0)
        }
    }

    @Test(
        "A strategy that failed before it took anything is an error of its kind",
        arguments: StrategyError.Code.allCases)
    func strategyFailure(reason: StrategyError.Code) async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let service = shop.purchases(
                Answer { _ throws(StrategyError) in throw StrategyError(reason, "planted") })
            let expected: InventoryError.Code =
                switch reason {
                case .unavailable, .timedOut: .redisUnavailable
                case .lockUnavailable: .ledgerUnavailable
                case .outcomeUnknown: .outcomeUnknown
                case .cancelled: .cancelled
                case .refused: .redisRefused
                case .notStocked, .invalidStock: .stockUnknown
                case .invalidRequest: .invalidField
                case .leaseLost: .leaseLost
                case .stockReplaced: .stockReplaced
                case .reservationEnded: .reservationEnded
                }
            let found = try await code {
                _ = try await service.purchase(product: product, quantity: 1, for: shop.buyer)
            }
            #expect(found == expected)
            #expect(try await shop.stock.read(product) == 5)
        }
    }

    @Test("A contended lock is an outcome with its evidence")
    func contended() async throws {
        try await withShop { shop async throws in
            let evidence = Evidence(attempts: 9, waited: .milliseconds(30), commandsSent: 9)
            let service = shop.purchases(
                Answer { _ throws(StrategyError) in
                    ReserveOutcome(.contended, evidence: evidence)
                })
            let report = try await service.purchase(product: ProductID(1), quantity: 1, for: shop.buyer)
            #expect(report.outcome == .contended)
            #expect(report.timings.evidence == evidence)
        }
    }

    @Test("A caller that is cancelled after the reservation still gets the bookkeeping finished")
    func cancelledAfterReservation() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let real = try shop.luaAtomic
            let service = shop.purchases(
                Answer { reservation throws(StrategyError) in
                    let outcome = try await real.reserve(reservation)
                    unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
                    return outcome
                })
            let buyer = shop.buyer
            let report = try await Task {
                try await service.purchase(product: product, quantity: 1, for: buyer)
            }.value
            #expect(report.outcome.kind == .purchased)
            #expect(try await shop.openReservations(of: product) == 0)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).total == 1)
        }
    }

    @Test("A purchase stands although its reservation could not be cleared")
    func unclearedReservation() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let real = try shop.luaAtomic
            let redis = shop.redis
            let service = shop.purchases(
                Answer { reservation throws(StrategyError) in
                    let outcome = try await real.reserve(reservation)
                    await redis.close()
                    return outcome
                })
            let report = try await service.purchase(product: product, quantity: 1, for: shop.buyer)
            #expect(report.outcome.kind == .purchased)
        }
    }

    @Test("The same idempotency key gives the first purchase again; with another body it is refused")
    func idempotency() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let service = try shop.purchases(shop.luaAtomic)
            let key = try IdempotencyKey("order-1")
            let first = try await service.purchase(
                product: product, quantity: 1, for: shop.buyer, idempotencyKey: key)
            let second = try await service.purchase(
                product: product, quantity: 1, for: shop.buyer, idempotencyKey: key)
            guard case .purchased(let purchase) = first.outcome else {
                Issue.record("\(first.outcome)")
                return
            }
            #expect(second.outcome == .repeated(purchase))
            let mismatch = try await code {
                _ = try await service.purchase(
                    product: product, quantity: 2, for: shop.buyer, idempotencyKey: key)
            }
            #expect(mismatch == .idempotencyMismatch)
            #expect(try await shop.stock.read(product) == 4)
        }
    }

    @Test("Fifty requests with one key at the same time buy once")
    func simultaneousKeys() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 100)
            let service = try shop.purchases(shop.luaAtomic)
            let key = try IdempotencyKey("order-1")
            let buyer = shop.buyer
            let kinds = try await withThrowingTaskGroup(of: PurchaseOutcome.Kind.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await service.purchase(
                            product: product, quantity: 1, for: buyer, idempotencyKey: key
                        ).outcome.kind
                    }
                }
                return try await group.reduce(into: [PurchaseOutcome.Kind]()) { $0.append($1) }
            }
            #expect(kinds.filter { $0 == .purchased }.count == 1)
            #expect(kinds.filter { $0 == .repeated }.count == 49)
            #expect(try await shop.stock.read(product) == 99)
            #expect(try await shop.openReservations(of: product) == 0)
        }
    }

    @Test("Two hundred buyers of a hundred units leave exactly none, in few commits")
    func manyBuyers() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 100)
            let service = try shop.purchases(shop.luaAtomic)
            let buyer = shop.buyer
            let kinds = try await withThrowingTaskGroup(of: PurchaseOutcome.Kind.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await service.purchase(product: product, quantity: 1, for: buyer).outcome.kind
                    }
                }
                return try await group.reduce(into: [PurchaseOutcome.Kind]()) { $0.append($1) }
            }
            #expect(kinds.filter { $0 == .purchased }.count == 100)
            #expect(kinds.filter { $0 == .soldOut }.count == 100)
            #expect(try await shop.stock.read(product) == 0)
            #expect(try await shop.openReservations(of: product) == 0)
            #expect(try await shop.ledger.product(product)?.sold == 100)
        }
    }
}
