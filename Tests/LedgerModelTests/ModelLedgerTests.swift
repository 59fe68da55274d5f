import InventoryService
import LabTesting
import LedgerModel
import LockStrategies
import Synchronization
import Testing

/// The seam between a process and its model of a ledger.
@Suite("A ledger over the model")
struct ModelLedgerTests {
    private static let time = Timestamp(microseconds: 1_826_000_000_000_000)
    private static let user = NewUser(
        username: "ann", email: nil, passwordHash: PasswordHash(stored: "h"), role: .user, createdAt: time)

    /// One user, and one product of two units.
    private static func shop() throws -> LedgerModel {
        var model = LedgerModel(origin: "0123456789abcdef")
        _ = try model.createUser(user)
        let product = try NewProduct(name: "thing", price: 100, initialStock: 2)
        _ = model.createProduct(product, actor: UserID(1), at: time)
        return model
    }

    private static func sale(
        _ reservation: String = "r1", user: Int64 = 1
    ) throws -> Sale {
        Sale(
            reservation: try #require(ReservationID(stored: reservation)), user: UserID(user),
            product: ProductID(1), quantity: 1, idempotencyKey: nil, strategy: "lua-atomic", fence: nil,
            purchasedAt: time)
    }

    private func code(of body: () async throws(InventoryError) -> Void) async -> InventoryError.Code? {
        do throws(InventoryError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    /// Each call of the protocol once.
    private static func steps() throws -> [LedgerStep] {
        let (user, product, page) = (UserID(1), ProductID(1), try Page())
        let key = try IdempotencyKey("k1")
        let id = try #require(ReservationID(stored: "r2"))
        return [
            .createUser(Self.user), .user(user), .credentials("ann"), .standing(user),
            .changeUser(user, [.signedOut], time), .users(page),
            .createProduct(
                try NewProduct(name: "other", price: 1, initialStock: 1), actor: user, time),
            .withdrawProduct(product), .product(product), .products(page), .deleteProduct(product, time),
            .changeProduct(product, try ProductChange(price: 3)), .recordSale(try sale()),
            .recordRefusal(
                PurchaseRefusal(
                    user: user, key: key, product: product, quantity: 1, outcome: .soldOut, refusedAt: time)),
            .recordMovement(
                SupplyMovement(
                    id: id, product: product, delta: 1, reason: "more", actor: user, epoch: nil, time: time)),
            .unitsBought(user, product), .highestFence(product), .answer(user, key),
            .purchasesOfUser(user, page), .purchases(PurchaseFilter(), page),
            .stockAccounts(after: nil, limit: 10), .stockAccount(product), .recorded([id]),
            .end([id], time), .forgetEnded(time), .beginFilling(product, above: 0), .stockServers,
            .noteStockServers(["s1"], distrust: true), .check,
        ]
    }

    @Test("tells both hooks of each call by its own name")
    func names() async throws {
        let (before, after) = (Recorder<LedgerCall>(), Recorder<LedgerCall>())
        let ledger = ModelLedger(
            try Self.shop(), before: { call throws(InventoryError) in before.note(call) },
            after: { call throws(InventoryError) in after.note(call) })
        for step in try Self.steps() { _ = await step.outcome(on: ledger) }
        #expect(before.values == LedgerCall.allCases)
        #expect(after.values == LedgerCall.allCases)
    }

    @Test("says of no call that changes something that it reads")
    func writes() async throws {
        for (step, call) in zip(try Self.steps(), LedgerCall.allCases) where !call.isWrite {
            let ledger = ModelLedger(try Self.shop())
            let before = ledger.snapshot
            _ = await step.outcome(on: ledger)
            #expect(ledger.snapshot == before)
        }
    }

    @Test("does nothing when the first hook throws, and answers with its error")
    func refused() async throws {
        for refusal in [InventoryError.Code.ledgerUnavailable, .recordUnknown] {
            let ledger = ModelLedger(
                try Self.shop(),
                before: { call throws(InventoryError) in
                    if call.isWrite { throw InventoryError(refusal, "planted") }
                })
            let sale = try Self.sale()
            let code = await code { () throws(InventoryError) in _ = try await ledger.record(sale) }
            #expect(code == refusal)
            #expect(ledger.snapshot == (try Self.shop()))
            #expect(try await ledger.unitsBought(by: UserID(1), of: ProductID(1)) == 0)
        }
    }

    @Test("keeps what it did when the second hook throws, and answers with its error")
    func unknown() async throws {
        let ledger = ModelLedger(
            try Self.shop(),
            after: { call throws(InventoryError) in
                if call.isWrite { throw InventoryError(.recordUnknown, "planted") }
            })
        let sale = try Self.sale()
        let code = await code { () throws(InventoryError) in _ = try await ledger.record(sale) }
        #expect(code == .recordUnknown)
        #expect(try await ledger.unitsBought(by: UserID(1), of: ProductID(1)) == 1)
    }

    @Test("answers with the model's own error, whatever the second hook throws")
    func ownError() async throws {
        let ledger = ModelLedger(
            try Self.shop(),
            after: { _ throws(InventoryError) in throw InventoryError(.recordUnknown, "planted") })
        let sale = try Self.sale(user: 9)
        let code = await code { () throws(InventoryError) in _ = try await ledger.record(sale) }
        #expect(code == .unknownUser)
        #expect(ledger.snapshot == (try Self.shop()))
    }

    @Test("leaves what took effect to the next process, and nothing that waits in a hook")
    func snapshots() async throws {
        let death = Gate()
        let ledger = ModelLedger(
            try Self.shop(),
            before: { call throws(InventoryError) in if call == .end { await death.pass() } },
            after: { call throws(InventoryError) in if call == .recordSale { await death.pass() } })
        let (sold, ended) = (try Self.sale("r1"), try Self.sale("r2"))
        async let first = ledger.record(sold)
        async let second = ledger.end([ended.reservation], at: Self.time)
        await death.reached(by: 2)
        let next = ModelLedger(ledger.snapshot)
        let ids = [sold.reservation, ended.reservation]
        #expect(try await next.recorded(among: ids) == [sold.reservation])
        guard case .recorded = try await next.record(ended) else {
            Issue.record("what waited before it took effect did take effect")
            return
        }
        #expect(try await ledger.unitsBought(by: UserID(1), of: ProductID(1)) == 1)
        death.open()
        _ = try await (first, second)
    }

    @Test("refuses calls after it was closed, and is closed when those under way have been answered")
    func closing() async throws {
        let gate = Gate()
        let order = Recorder<String>()
        let ledger = ModelLedger(
            try Self.shop(), before: { call throws(InventoryError) in if call.isWrite { await gate.pass() } })
        let sale = try Self.sale()
        async let outcome = {
            let outcome = try await ledger.record(sale)
            order.note("sold")
            return outcome
        }()
        await gate.reached()
        async let closed: Void = {
            await ledger.close()
            order.note("closed")
        }()
        var refusal: InventoryError.Code?
        while refusal == nil {
            refusal = await code { () throws(InventoryError) in _ = try await ledger.stockServers() }
            await Task.yield()
        }
        #expect(refusal == .ledgerUnavailable)
        #expect(order.values == [])
        gate.open()
        guard case .recorded = try await outcome else {
            Issue.record("a call under way was not finished")
            return
        }
        await closed
        #expect(ledger.snapshot.purchases.count == 1)
        await ledger.close()
    }
}
