import LabTesting
import LockStrategies
import PostgresClient
import Synchronization
import Testing

@testable import InventoryService
@testable import LedgerPostgres

@Suite(
    "Servers on one PostgreSQL", .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct ServerCompanyTests {
    private static let time = Timestamp(microseconds: 1_800_000_000_000_000)

    private func withTwo(
        _ leases: PostgresCompany.Leases = .init(),
        _ body: (PostgresLedger, PostgresLedger) async throws -> Void
    ) async throws {
        let endpoint = try await PostgresDatabases.make()
        let one = try await PostgresLedger.open(endpoint, settings: .unsynced, leases: leases)
        let two = try await PostgresLedger.open(endpoint, settings: .unsynced, leases: leases)
        let result: Result<Void, any Error>
        do {
            _ = try await one.createUser(.sample("ann"))
            let new = try NewProduct(name: "thing", price: 300, initialStock: 40)
            _ = try await one.createProduct(new, actor: UserID(1), at: Self.time)
            try await body(one, two)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await one.close()
        await two.close()
        try result.get()
    }

    @Test("have numbers of their own, and live while they give signs of life")
    func living() async throws {
        try await withTwo(.init(server: .milliseconds(400))) { one, two in
            #expect(one.servers.own == nil)
            try await one.servers.join()
            try await two.servers.join()
            let (first, second) = (try #require(one.servers.own), try #require(two.servers.own))
            #expect(first != second)
            // The second one says no more.
            try await waitUntil {
                let news = try await one.servers.beat()
                let living = try await one.servers.living()
                return news.dead == [second] && living == [first]
            }
            _ = try await two.servers.beat()
            #expect(try await one.servers.living().contains(second))
            await two.servers.leave()
            #expect(try await one.servers.beat().dead.isEmpty)
            #expect(try await !one.servers.living().contains(second))
        }
    }

    @Test("take turns: one at a time, each fence above those before")
    func turns() async throws {
        try await withTwo { one, two in
            let first = try #require(try await one.servers.takeTurn())
            #expect(try await two.servers.takeTurn() == nil)
            #expect(try await one.servers.takeTurn() == nil, "not even itself")
            await one.servers.endTurn(first)
            let second = try #require(try await two.servers.takeTurn())
            #expect(second.fence > first.fence)
            // The end of an old turn is not the end of another one.
            await one.servers.endTurn(first)
            #expect(try await one.servers.takeTurn() == nil)
        }
    }

    @Test(
        "write nothing in a turn that has ended, whether another has begun or not", arguments: [false, true])
    func stopped(isOvertaken: Bool) async throws {
        try await withTwo(.init(turn: .milliseconds(200))) { one, two in
            let turn = try #require(try await one.servers.takeTurn())
            let ids = [ReservationID(random: .system)]
            // As behind a SIGSTOP.
            let after = Mutex<ReconcileTurn?>(nil)
            try await waitUntil {
                let next = try await two.servers.takeTurn()
                after.withLock { $0 = next }
                return next != nil
            }
            if !isOvertaken {
                let last = try #require(after.withLock { $0 })
                await two.servers.endTurn(last)
            }
            func code(_ write: () async throws -> Void) async -> InventoryError.Code? {
                do { try await write() } catch { return (error as? InventoryError)?.code }
                return nil
            }
            #expect(await code { _ = try await one.end(ids, at: Self.time, in: turn) } == .leaseLost)
            #expect(
                await code { _ = try await one.beginFilling(ProductID(1), above: 4, in: turn) } == .leaseLost)
            #expect(
                await code { try await one.noteStockServers(["run"], distrust: true, in: turn) } == .leaseLost
            )
            let account = try #require(try await two.stockAccount(ProductID(1)))
            #expect(account.epoch.number == 1)
            #expect(try await two.stockServers().isEmpty)
            let sale = Sale(
                reservation: ids[0], user: UserID(1), product: ProductID(1), quantity: 1,
                idempotencyKey: nil, strategy: "lua-atomic", fence: nil, limit: nil, purchasedAt: Self.time)
            guard case .recorded = try await two.record(sale) else {
                Issue.record("the reservation was ended by a turn that had ended")
                return
            }
        }
    }

    @Test("keep a turn as long as they write in it")
    func longTurn() async throws {
        try await withTwo(.init(turn: .milliseconds(600))) { one, two in
            let turn = try #require(try await one.servers.takeTurn())
            let end = ContinuousClock.now + .milliseconds(1500)
            while ContinuousClock.now < end {
                _ = try await one.end([ReservationID(random: .system)], at: Self.time, in: turn)
                #expect(try await two.servers.takeTurn() == nil)
            }
        }
    }

    @Test("see supply that is on its way, until it has arrived")
    func supply() async throws {
        try await withTwo { one, two in
            let id = ReservationID(random: .system)
            for delta in [5, -5] {
                let movement = SupplyMovement(
                    id: delta > 0 ? id : ReservationID(random: .system), product: ProductID(1), delta: delta,
                    reason: "a test", actor: UserID(1), epoch: nil, time: Self.time)
                guard case .recorded = try await one.record(movement) else {
                    Issue.record("not recorded")
                    return
                }
                #expect(try await two.servers.supplyUnderWay(of: ProductID(1)) == [id])
            }
            #expect(try await two.servers.supplyUnderWay(of: ProductID(2)).isEmpty)
            try await one.servers.settleSupply([id])
            #expect(try await two.servers.supplyUnderWay(of: ProductID(1)).isEmpty)
        }
    }

    @Test("hear of every change of a user that ends tokens, and of no other")
    func users() async throws {
        try await withTwo { one, two in
            let before = try await two.servers.beat().userChanges
            _ = try await one.changeUser(
                UserID(1), [.rehashed(PasswordHash(stored: "new"), instead: PasswordHash(stored: "old"))],
                at: Self.time)
            #expect(try await two.servers.beat().userChanges == before)
            _ = try await one.changeUser(UserID(1), [.signedOut], at: Self.time)
            #expect(try await two.servers.beat().userChanges == before + 1)
        }
    }
}

@Suite("A server among others")
struct ServerPresenceTests {
    /// What the others did, as a test tells it.
    private final class Others: ServerCompany {
        let news = Mutex<CompanyNews?>(CompanyNews(userChanges: 1, dead: []))
        let questions = Mutex(0)
        let gate = Gate()

        var own: ServerNumber? { ServerNumber(1) }
        func join() async throws(InventoryError) {}
        func leave() async {}
        func living() async throws(InventoryError) -> Set<ServerNumber> { [] }
        func takeTurn() async throws(InventoryError) -> ReconcileTurn? { nil }
        func endTurn(_ turn: ReconcileTurn) async {}
        func settleSupply(_ ids: [ReservationID]) async throws(InventoryError) {}

        func beat() async throws(InventoryError) -> CompanyNews {
            guard let news = news.withLock(\.self) else {
                throw InventoryError(.ledgerUnavailable, "a test")
            }
            return news
        }

        func supplyUnderWay(of product: ProductID) async throws(InventoryError) -> [ReservationID] {
            questions.withLock { $0 += 1 }
            await gate.pass()
            return []
        }
    }

    @Test("relies for two seconds on what it heard, and forgets users when one was changed")
    func freshness() async throws {
        let others = Others()
        let clock = Mutex(ContinuousClock.now)
        let deaths = Recorder<Int>()
        let presence = ServerPresence(
            in: others, now: { clock.withLock(\.self) }, onDeath: { deaths.note(1) })
        let forgotten = Recorder<Int>()
        presence.onUserChange { forgotten.note(1) }
        #expect(!presence.isUpToDate)
        await presence.beat()
        #expect(presence.isUpToDate && forgotten.values.count == 1)
        await presence.beat()
        #expect(forgotten.values.count == 1)
        clock.withLock { $0 += .milliseconds(1999) }
        #expect(presence.isUpToDate)
        clock.withLock { $0 += .milliseconds(1) }
        #expect(!presence.isUpToDate)
        others.news.withLock { $0 = nil }
        await presence.beat()
        #expect(!presence.isUpToDate, "the ledger did not answer")
        others.news.withLock { $0 = CompanyNews(userChanges: 2, dead: [ServerNumber(7)]) }
        await presence.beat()
        #expect(presence.isUpToDate && forgotten.values.count == 2 && deaths.values.count == 1)
        await presence.beat()
        #expect(deaths.values.count == 1, "a death is told once")
    }

    @Test("asks once for all who are told sold out at the same time")
    func sharedQuestion() async throws {
        let others = Others()
        let watch = SupplyWatch(others)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await watch.isUnderWay(ProductID(1)) }
            try await waitUntil { others.questions.withLock { $0 } == 1 }
            for _ in 0..<20 { group.addTask { try await watch.isUnderWay(ProductID(1)) } }
            try await waitUntil { watch.waitingCount == 20 }
            others.gate.open()
            for try await isUnderWay in group { #expect(!isUnderWay) }
        }
        #expect(others.questions.withLock { $0 } == 2)
    }

    @Test("puts its number into the reservations that it makes")
    func ids() {
        let ids = ReservationIDs(server: ServerNumber(0xABC))
        let made = (0..<100).map { _ in ids.next() }
        #expect(made.allSatisfy { $0.maker == ServerNumber(0xABC) })
        #expect(Set(made).count == 100 && made == made.sorted { $0.description < $1.description })
        #expect(ReservationID(stored: "short")?.maker == nil)
    }
}
