import LockStrategies
import Testing

@testable import InventoryService

/// What every ledger promises, on each engine.
@Suite("A ledger") struct LedgerContractTests {
    private func sale(_ user: UserID, _ product: ProductID, _ quantity: Int, key: String? = nil) throws
        -> Sale
    {
        Sale(
            reservation: ReservationID(random: .system), user: user, product: product, quantity: quantity,
            idempotencyKey: try key.map { try IdempotencyKey($0) }, strategy: "lua-atomic", fence: Fence(7),
            purchasedAt: Timestamp(microseconds: 1_800_000_000_000_000))
    }

    private func buyer(_ ledger: some Ledger, _ name: String = "buyer") async throws -> UserID {
        guard case .created(let user) = try await ledger.createUser(.sample(name)) else {
            throw ShopError.noBuyer
        }
        return user.id
    }

    private func product(_ ledger: some Ledger, _ user: UserID, units: Int) async throws -> ProductID {
        let new = try NewProduct(name: "thing", description: "a thing", price: 300, initialStock: units)
        return try await ledger.createProduct(new, actor: user, at: Timestamp(microseconds: 1)).id
    }

    @Test("Names and e-mail addresses are unique", arguments: LedgerEngine.allCases)
    func uniqueUsers(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let created = try await ledger.createUser(.sample("ann", email: "ann@example.org"))
            guard case .created(let ann) = created else { throw ShopError.noBuyer }
            #expect(try await ledger.createUser(.sample("ann")) == .usernameTaken)
            #expect(try await ledger.createUser(.sample("bea", email: "ann@example.org")) == .emailTaken)
            #expect(try await ledger.user(ann.id) == ann)
            #expect(try await ledger.credentials(of: "ann")?.user == ann)
            #expect(try await ledger.credentials(of: "Ann") == nil)
            #expect(try await ledger.user(UserID(99)) == nil)
        }
    }

    @Test(
        "A sale carries the price of the moment, counts as sold, and keeps its product",
        arguments: LedgerEngine.allCases)
    func sale(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            guard case .recorded(let purchase) = try await ledger.record(sale(user, id, 2)) else {
                Issue.record("not recorded")
                return
            }
            #expect(purchase.totalPrice == 600)
            #expect(try await ledger.product(id)?.sold == 2)
            #expect(try await ledger.purchases(of: user, Page()).items == [purchase])
            #expect(try await !ledger.withdrawProduct(id))
        }
    }

    @Test("The ledger sells no more than was supplied, whoever asks", arguments: LedgerEngine.allCases)
    func lastGuard(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 10)
            let outcomes = try await withThrowingTaskGroup(of: RecordOutcome.self) { group in
                for _ in 0..<30 {
                    let sale = try sale(user, id, 1)
                    group.addTask { try await ledger.record(sale) }
                }
                return try await group.reduce(into: [RecordOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .oversellRefused }.count == 20)
            #expect(try await ledger.product(id)?.sold == 10)
            #expect(try await ledger.purchases(of: user, Page()).total == 10)
        }
    }

    @Test("One reservation is recorded once", arguments: LedgerEngine.allCases)
    func oneRowPerReservation(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            let sale = try sale(user, id, 1)
            _ = try await ledger.record(sale)
            #expect(try await code { _ = try await ledger.record(sale) } == .ledgerUnavailable)
            #expect(try await ledger.product(id)?.sold == 1)
        }
    }

    @Test(
        "An idempotency key belongs to one user and gives back the first purchase",
        arguments: LedgerEngine.allCases)
    func idempotencyKey(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let other = try await buyer(ledger, "other")
            let id = try await product(ledger, user, units: 5)
            guard case .recorded(let first) = try await ledger.record(sale(user, id, 1, key: "k")) else {
                Issue.record("not recorded")
                return
            }
            #expect(try await ledger.record(sale(user, id, 1, key: "k")) == .alreadyRecorded(first))
            #expect(try await ledger.answer(to: user, under: IdempotencyKey("k")) == .purchase(first))
            guard case .recorded = try await ledger.record(sale(other, id, 1, key: "k")) else {
                Issue.record("the key of one user stopped another")
                return
            }
            #expect(try await ledger.product(id)?.sold == 2)
        }
    }

    @Test(
        "A sale of an unknown product or to an unknown user is not recorded", arguments: LedgerEngine.allCases
    )
    func unknownParties(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            #expect(try await ledger.record(sale(user, ProductID(99), 1)) == .productNotFound)
            #expect(try await code { _ = try await ledger.record(sale(UserID(99), id, 1)) } == .unknownUser)
            #expect(try await ledger.product(id)?.sold == 0)
        }
    }

    @Test(
        "Lists come in pages: products in order, purchases newest first, with the total",
        arguments: LedgerEngine.allCases)
    func pages(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            var ids: [ProductID] = []
            for _ in 0..<5 { ids.append(try await product(ledger, user, units: 1)) }
            let page = try await ledger.products(Page(skip: 1, limit: 2))
            #expect(page.items.map(\.id) == [ids[1], ids[2]])
            #expect(page.total == 5)
            for id in ids { _ = try await ledger.record(sale(user, id, 1)) }
            let purchases = try await ledger.purchases(of: user, Page(skip: 1, limit: 2))
            #expect(purchases.items.map(\.product) == [ids[3], ids[2]])
            #expect(purchases.total == 5)
            #expect(try await ledger.products(Page(skip: 9, limit: 2)).items.isEmpty)
        }
    }

    @Test("What was recorded is there after closing and opening again", arguments: LedgerEngine.allCases)
    func reopening(on engine: LedgerEngine) async throws {
        try await engine.withPlace { open in
            let first = try await open()
            let user = try await buyer(first)
            let origin = first.origin
            await first.close()
            #expect(try await code { _ = try await first.user(user) } == .ledgerUnavailable)
            let second = try await open()
            #expect(try await second.user(user)?.username == "buyer")
            #expect(second.origin == origin)
            await second.close()
        }
    }

    @Test(
        "A reservation that was ended is sold no more, and one that was sold is not ended",
        arguments: LedgerEngine.allCases)
    func endings(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            let (sold, ended) = (try sale(user, id, 1), try sale(user, id, 1))
            _ = try await ledger.record(sold)
            let ids = [sold.reservation, ended.reservation]
            #expect(try await ledger.end(ids, at: Timestamp(microseconds: 5)) == [sold.reservation])
            #expect(try await ledger.record(ended) == .reservationEnded)
            #expect(try await ledger.recorded(among: ids) == [sold.reservation])
            try await ledger.forgetEnded(before: Timestamp(microseconds: 6))
            guard case .recorded = try await ledger.record(ended) else {
                Issue.record("the mark was not forgotten")
                return
            }
        }
    }

    @Test("Sales of two hundred tasks at once get one answer each", arguments: LedgerEngine.allCases)
    func crowd(on engine: LedgerEngine) async throws {
        try await engine.withLedger { ledger in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 1000)
            let sales = try (0..<200).map { _ in try sale(user, id, 1) }
            let numbers = try await withThrowingTaskGroup(of: PurchaseID?.self) { group in
                for sale in sales {
                    group.addTask {
                        guard case .recorded(let purchase) = try await ledger.record(sale) else { return nil }
                        return purchase.id
                    }
                }
                return try await group.reduce(into: [PurchaseID]()) { if let id = $1 { $0.append(id) } }
            }
            #expect(numbers.count == 200 && Set(numbers).count == 200)
            #expect(try await ledger.product(id)?.sold == 200)
            #expect(try await ledger.recorded(among: sales.map(\.reservation)).count == 200)
        }
    }
}
