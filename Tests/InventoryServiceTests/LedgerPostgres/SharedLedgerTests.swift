import LabTesting
import LockStrategies
import PostgresClient
import Testing

@testable import InventoryService
@testable import LedgerPostgres

/// Two servers on one ledger: what one of them wrote, the other one knows.
@Suite(
    "A ledger that two servers share",
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct SharedLedgerTests {
    private static let time = Timestamp(microseconds: 1_800_000_000_000_000)

    private func withTwo(_ body: (PostgresLedger, PostgresLedger) async throws -> Void) async throws {
        let endpoint = try await PostgresDatabases.make()
        let one = try await PostgresLedger.open(endpoint, settings: .unsynced)
        let two = try await PostgresLedger.open(endpoint, settings: .unsynced)
        do {
            _ = try await one.createUser(.sample("ann"))
            for _ in 0..<2 {
                let new = try NewProduct(name: "thing", price: 300, initialStock: 40)
                _ = try await one.createProduct(new, actor: UserID(1), at: Self.time)
            }
            try await body(one, two)
        } catch {
            await one.close()
            await two.close()
            throw error
        }
        await one.close()
        await two.close()
    }

    private func sale(
        of product: Int64 = 1, key: String? = nil, limit: Int? = nil
    ) throws -> Sale {
        Sale(
            reservation: ReservationID(random: .system), user: UserID(1), product: ProductID(product),
            quantity: 1, idempotencyKey: try key.map { try IdempotencyKey($0) }, strategy: "lua-atomic",
            fence: nil, limit: limit, purchasedAt: Self.time)
    }

    /// Records sales on both ledgers in turn, all at once.
    private func record(
        _ sales: [Sale], _ one: PostgresLedger, _ two: PostgresLedger
    ) async throws -> [RecordOutcome] {
        try await withThrowingTaskGroup(of: RecordOutcome.self) { group in
            for (place, sale) in sales.enumerated() {
                group.addTask { try await (place % 2 == 0 ? one : two).record(sale) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("sells to the unit, of products that are sold in either order")
    func lastGuard() async throws {
        try await withTwo { one, two in
            let sales = try (0..<160).map { try sale(of: $0 / 2 % 2 == 0 ? 1 : 2) }
            let outcomes = try await record(sales, one, two)
            #expect(outcomes.count { if case .recorded = $0 { true } else { false } } == 80)
            #expect(outcomes.count { $0 == .oversellRefused } == 80)
            for product in 1...2 {
                #expect(try await two.product(ProductID(Int64(product)))?.sold == 40)
            }
            #expect(try await two.purchases(of: UserID(1), Page()).total == 80)
        }
    }

    @Test("gives one purchase for a key, whichever server is asked, also for two products")
    func keys() async throws {
        try await withTwo { one, two in
            for round in 0..<10 {
                let sales = try (0..<8).map { try sale(of: $0 % 2 == 0 ? 1 : 2, key: "key-\(round)") }
                let purchases = try await record(sales, one, two).map { outcome in
                    switch outcome {
                    case .recorded(let purchase), .alreadyRecorded(let purchase): purchase.id.rawValue
                    default: Int64(-1)
                    }
                }
                #expect(Set(purchases).count == 1 && purchases[0] > 0, "\(purchases)")
            }
            #expect(try await two.purchases(of: UserID(1), Page()).total == 10)
        }
    }

    @Test("sells no user more than the limit")
    func limits() async throws {
        try await withTwo { one, two in
            let outcomes = try await record((0..<40).map { _ in try sale(limit: 3) }, one, two)
            #expect(outcomes.count { $0 == .limitReached } == 37)
            #expect(try await one.unitsBought(by: UserID(1), of: ProductID(1)) == 3)
        }
    }

    @Test("never both sells a reservation and ends it")
    func endings() async throws {
        try await withTwo { one, two in
            var (sold, ended) = (0, 0)
            for _ in 0..<12 {
                let sales = try (0..<3).map { _ in try sale() }
                let ids = sales.map(\.reservation)
                async let outcomes = record(sales, one, one)
                async let spared = two.end(ids, at: Self.time)
                let recorded = try await outcomes.count { if case .recorded = $0 { true } else { false } }
                let kept = try await spared.count
                #expect(recorded == kept, "sold \(recorded), and \(kept) were not ended")
                sold += recorded
                ended += ids.count - kept
            }
            print("of \(sold + ended) reservations \(sold) were sold and \(ended) ended")
            #expect(try await one.product(ProductID(1))?.sold == sold)
        }
    }

    @Test("makes one user of a name")
    func names() async throws {
        try await withTwo { one, two in
            let outcomes = try await withThrowingTaskGroup(of: CreateUserOutcome.self) { group in
                for place in 0..<8 {
                    group.addTask { try await (place % 2 == 0 ? one : two).createUser(.sample("bea")) }
                }
                return try await group.reduce(into: [CreateUserOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .usernameTaken } == 7)
        }
    }

    @Test("is made once by servers that start at the same time")
    func start() async throws {
        let endpoint = try await PostgresDatabases.make()
        let origins = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced)
                    await ledger.close()
                    return ledger.origin
                }
            }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(Set(origins).count == 1 && origins.count == 4)
        #expect(origins[0].wholeMatch(of: /[0-9a-f]{16}/) != nil)
    }

    @Test("sells nothing of a stock that the other server has begun to fill anew")
    func fillings() async throws {
        try await withTwo { one, two in
            let filling = try #require(try await two.beginFilling(ProductID(1), above: 4))
            #expect(filling.epoch.number == 5)
            let old = Sale(
                reservation: ReservationID(random: .system), user: UserID(1), product: ProductID(1),
                quantity: 1, idempotencyKey: nil, strategy: "lua-atomic", fence: nil,
                epoch: StockEpoch(origin: one.origin, number: 1), purchasedAt: Self.time)
            #expect(try await one.record(old) == .stockReplaced)
        }
    }
}
