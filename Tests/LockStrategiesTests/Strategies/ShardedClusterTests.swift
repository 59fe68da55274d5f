import LabTesting
import LockStrategies
import RedisClient
import Testing

/// `sharded` where it belongs: on a Cluster that spreads the buckets of one product over its nodes.
@Suite("sharded · Cluster")
struct ShardedClusterTests {
    @Test("the buckets of one product lie on different nodes, and selling out through all of them is exact")
    func sellsOutOverAllNodes() async throws {
        let product = ProductID(1)
        let units = 101
        try await ClusterGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: StrategyLab.patient)
            let layout = StrategyEntry.sharded.traits.stockLayout
            let stock = ProductStock(client, layout: layout)
            #expect(try await stock.initialise(product, units: units))

            // Who holds which bucket is read from the masters themselves, not reckoned.
            let buckets = Set((0..<layout.bucketCount).map { ProductKeys(product, bucket: $0).stock })
            var seen: Set<String> = []
            for master in 0..<3 {
                let here = try await group.send(master, "KEYS", "stock:*").array?.compactMap(\.string) ?? []
                #expect(!here.isEmpty, "master \(master) holds no bucket")
                #expect(seen.isDisjoint(with: here))
                seen.formUnion(here)
            }
            #expect(seen == buckets)

            let strategy = try StrategyBuilder(stock: client, lockNodes: [], clock: ContinuousClock())
                .strategy(.sharded)
            let sold = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for buyer in 0..<16 {
                    tasks.addTask {
                        try await Self.buyUntilSoldOut(product, of: 1 + buyer % 3, with: strategy)
                    }
                }
                return try await tasks.reduce(0, +)
            }
            // Whoever wants two or three may be told "sold out" of a last one, which buyers of one then get.
            #expect(sold == units)
            #expect(try await stock.read(product) == 0)
            let open = try await stock.openReservations(of: product)
            #expect(open.values.reduce(0, +) == units)
            for master in 0..<3 {
                let here = try await group.send(master, "KEYS", "reservations:*").array ?? []
                #expect(!here.isEmpty, "nothing was sold from master \(master)")
            }
            await client.close()
        }
    }

    private static func buyUntilSoldOut(
        _ product: ProductID, of quantity: Int, with strategy: any LockStrategy
    ) async throws -> Int {
        var bought = 0
        while true {
            let reservation = Reservation(
                id: ReservationID(random: .system), product: product, quantity: quantity,
                deadline: .now + .seconds(60))
            guard case .reserved = try await strategy.reserve(reservation).decision else { return bought }
            bought += quantity
        }
    }
}
