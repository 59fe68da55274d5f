import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@Suite("Exclusion and ownership")
struct ExclusionTests {
    @Test(
        "1 · 100 tasks and 4 processes read, pause and write under the lock: nothing is lost",
        arguments: StrategyLab.leases)
    func nothingIsLost(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let worker = try BuiltProgram.path("lock-worker")
            let processes = try await withThrowingTaskGroup(of: ChildProcess.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await ChildProcess.start(
                            worker, ["count", id.name, "lock:counter", "counter", "25", lab.urls])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await countUnder(lock, tasks: 100, rounds: 2, stock: lab.stock)
            for process in processes {
                #expect(await process.waitUntilExit().isSuccess, "\(process.lines())")
            }
            #expect(try await lab.stock.send(RedisCommand("GET", "counter")).integer == 300)
        }
    }

    @Test(
        "2 · no two intervals from acquired to released overlap on one monotonic clock",
        arguments: StrategyLab.leases)
    func intervalsDoNotOverlap(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let holds = try await holdIntervals(lock, tasks: 40, rounds: 3, on: lab.stock)
            #expect(holds.count == 120)
            #expect(overlaps(in: holds) == 0)
        }
    }

    @Test(
        "3 · 10 units, 20 buyers at once: exactly 10 reserved, 10 sold out, stock 0",
        arguments: StrategyLab.real)
    func tenOfTwenty(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let result = try await buy(
                with: lab.builder().strategy(id), lab, (0..<20).map { _ in (product, 1) })
            #expect(result.reservedUnits == [product: 10])
            #expect(result.reserved == 10 && result.soldOut == 10 && result.contended == 0)
            #expect(try await lab.readStock(product) == 0)
            #expect(try await lab.openReservations(product) == (10, 10))
        }
    }

    @Test("3 · 1,000 buyers, quantities 1 to 5, 40 products: conserved", arguments: StrategyLab.real)
    func conserved(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let products = (1...40).map { ProductID($0) }
            for product in products { try await lab.setStock(50, of: product) }
            let orders = (0..<1_000).map { (products[$0 % 40], 1 + $0 / 40 % 5) }
            let result = try await buy(with: lab.builder().strategy(id), lab, orders)
            #expect(result.reserved + result.soldOut + result.contended == 1_000)
            #expect(result.contended == 0)
            for product in products {
                let open = try await lab.openReservations(product)
                let stock = try #require(try await lab.readStock(product))
                #expect(stock >= 0)
                #expect(Int(stock) + open.units == 50)
                #expect(open.units == result.reservedUnits[product])
            }
        }
    }

    @Test(
        "5 · a release by a non-owner leaves the key and says so; after expiry alone it says absent",
        arguments: StrategyLab.leases)
    func releaseByNonOwner(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let key = LockKey("lock:a")
            // On a clock that stands still, so a slow machine cannot make the grant come too late.
            let hasty = try #require(try lab.builder(clock: SkippingClock()).lock(id))
            let first = try await hasty.granted(key, timeToLive: .milliseconds(50))
            try await waitUntil { try await lab.owners(of: key).isEmpty }
            #expect(try await lock.release(first) == .absent)
            let second = try await lock.granted(key)
            #expect(try await lock.release(first) == .notOwner)
            #expect(try await lab.owners(of: key).allSatisfy { $0 == second.token.description })
            #expect(try await lock.release(second) == .released)
        }
    }

    @Test(
        "6 · a second release of one lease says absent and cannot hit a successor",
        arguments: StrategyLab.leases)
    func secondRelease(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let key = LockKey("lock:a")
            let first = try await lock.granted(key)
            #expect(try await lock.release(first) == .released)
            #expect(try await lock.release(first) == .absent)
            let second = try await lock.granted(key)
            #expect(try await lock.release(first) == .notOwner)
            #expect(try await lock.release(second) == .released)
        }
    }

    @Test("8 · different keys never block each other, whatever their names", arguments: StrategyLab.leases)
    func differentKeys(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let names = [
                "a", "a:b", "a:{b}", "{a}:b", "재고", "e\u{301}", "\u{e9}", " ", "a b",
                String(repeating: "k", count: 5_000),
            ]
            var leases: [Lease] = []
            for name in names { leases.append(try await lock.granted(LockKey(name), within: .zero)) }
            for lease in leases { #expect(try await lock.release(lease) == .released) }
        }
    }
}

// MARK: Workloads, apart from what judges them

/// Read, pause, write a counter that is no atomic one.
func countUnder(
    _ lock: some LeaseLock, tasks: Int, rounds: Int, timeToLive: Duration = .seconds(30), stock: RedisClient
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<tasks {
            group.addTask {
                for _ in 0..<rounds {
                    let lease = try await lock.granted(LockKey("lock:counter"), timeToLive: timeToLive)
                    let value = try await stock.send(RedisCommand("GET", "counter")).integer ?? 0
                    await Task.yield()
                    _ = try await stock.send(RedisCommand("SET", "counter", String(value + 1)))
                    _ = try await lock.release(lease)
                }
            }
        }
        try await group.waitForAll()
    }
}

typealias Hold = (from: ContinuousClock.Instant, to: ContinuousClock.Instant)

func holdIntervals(
    _ lock: some LeaseLock, tasks: Int, rounds: Int, on stock: RedisClient
) async throws -> [Hold] {
    try await withThrowingTaskGroup(of: [Hold].self) { group in
        for _ in 0..<tasks {
            group.addTask {
                var holds: [Hold] = []
                for _ in 0..<rounds {
                    let lease = try await lock.granted(LockKey("lock:one"), timeToLive: .seconds(30))
                    let from = ContinuousClock.now
                    // So long that without a lock the others are sure to come in.
                    _ = try await stock.send(RedisCommand("PING"))
                    holds.append((from, ContinuousClock.now))
                    _ = try await lock.release(lease)
                }
                return holds
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
}

func overlaps(in holds: [Hold]) -> Int {
    let ordered = holds.sorted { $0.from < $1.from }
    return zip(ordered, ordered.dropFirst()).count { $0.to > $1.from }
}

struct Sales {
    var reserved = 0
    var soldOut = 0
    var contended = 0
    var reservedUnits: [ProductID: Int] = [:]
}

/// All orders at once.
func buy(
    with strategy: some LockStrategy, _ lab: StrategyLab, _ orders: [(ProductID, Int)]
) async throws -> Sales {
    try await withThrowingTaskGroup(of: (ProductID, Int, ReserveOutcome).self) { group in
        for (product, quantity) in orders {
            let reservation = lab.reservation(of: product, quantity: quantity)
            group.addTask { (product, quantity, try await strategy.reserve(reservation)) }
        }
        return try await group.reduce(into: Sales()) { sales, result in
            switch result.2.decision {
            case .reserved:
                sales.reserved += 1
                sales.reservedUnits[result.0, default: 0] += result.1
            case .soldOut: sales.soldOut += 1
            case .contended, .leftToLedger: sales.contended += 1
            }
        }
    }
}
