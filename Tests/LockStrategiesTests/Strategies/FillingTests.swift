import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Filling a stock anew")
struct FillingTests {
    private let product = ProductID(7)

    private func epoch(_ number: Int64, origin: String = "ledger") -> StockEpoch {
        StockEpoch(origin: origin, number: number)
    }

    @Test(
        "voids what was reserved before, and the stock is what was asked for", arguments: StrategyLab.real)
    func fills(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let strategy = try lab.builder().strategy(id)
            #expect(try await lab.pool.fill(product, units: 20, as: epoch(1)) == .filled)
            let before = lab.reservation(of: product, quantity: 3)
            #expect(try await strategy.reserve(before).epoch == epoch(1))
            #expect(try await lab.pool.fill(product, units: 50, as: epoch(2)) == .filled)
            #expect(try await lab.readStock(product) == 50)
            #expect(try await lab.openReservations(product) == (0, 0))
            let end = ContinuousClock.now + .seconds(600)
            #expect(try await strategy.cancel(before.id, of: product, deadline: end) == 0)
            #expect(try await lab.readStock(product) == 50)
            #expect(try await strategy.reserve(lab.reservation(of: product)).epoch == epoch(2))
            let snapshot = try await lab.pool.snapshot(product)
            #expect(snapshot.isWhole(of: epoch(2)))
            #expect(snapshot.openUnits == 1)
            #expect(snapshot.units == 49)
        }
    }

    @Test(
        "is refused by a newer filling, by the same one and by another ledger's", arguments: StrategyLab.real)
    func refused(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            #expect(try await lab.pool.fill(product, units: 20, as: epoch(5)) == .filled)
            #expect(try await lab.pool.fill(product, units: 1, as: epoch(5)) == .superseded)
            #expect(try await lab.pool.fill(product, units: 1, as: epoch(4)) == .superseded)
            #expect(try await lab.pool.fill(product, units: 1, as: epoch(9, origin: "other")) == .foreign)
            #expect(try await lab.pool.drop(product, origin: "other") == .foreign)
            #expect(try await lab.readStock(product) == 20)
            #expect(try await lab.pool.drop(product, origin: "ledger") == .filled)
            #expect(try await lab.readStock(product) == nil)
        }
    }

    @Test(
        "between the read and the write of a lock holder refuses the write",
        arguments: StrategyLab.leases)
    func betweenReadAndWrite(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            #expect(try await lab.pool.fill(product, units: 20, as: epoch(1)) == .filled)
            let builder = StrategyBuilder(
                stock: HookedPort(lab.stock) { [product] name in
                    guard name.hasPrefix("write-stock") else { return }
                    _ = try? await lab.pool.fill(
                        product, units: 9, as: StockEpoch(origin: "ledger", number: 2))
                },
                lockNodes: lab.lockServers.enumerated().map { index, server in
                    LockNode(name: "node\(index)", redis: HookedPort(server) { _ in })
                },
                clock: ContinuousClock())
            let strategy = try builder.strategy(id)
            do throws(StrategyError) {
                _ = try await strategy.reserve(lab.reservation(of: product, quantity: 3))
                Issue.record("a stock that was replaced was written over")
            } catch {
                #expect(error.code == .stockReplaced)
            }
            #expect(try await lab.readStock(product) == 9)
            #expect(try await lab.openReservations(product) == (0, 0))
        }
    }

    @Test("new supply that is offered reaches the stock once, by its return", arguments: StrategyLab.real)
    func offers(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let strategy = try lab.builder().strategy(id)
            #expect(try await lab.pool.fill(product, units: 20, as: epoch(3)) == .filled)
            let supply = ReservationID(random: .system)
            #expect(try await lab.pool.offer(7, of: product, as: supply, in: epoch(2)) == false)
            let end = ContinuousClock.now + .seconds(600)
            for _ in 0..<2 {
                _ = try await lab.pool.offer(7, of: product, as: supply, in: epoch(3))
                _ = try await strategy.cancel(supply, of: product, deadline: end)
                #expect(try await lab.readStock(product) == 27)
            }
        }
    }

    @Test("units on the way between buckets do not arrive in a later filling")
    func lateMoves() async throws {
        try await StrategyLab.run(for: .sharded) { lab async throws in
            let first = try await lab.pool.fill(product, units: 80, as: epoch(1))
            #expect(first == .filled)
            // Units have left their buckets when the stock is filled anew; then they arrive.
            let fillings = Recorder<Bool>()
            let builder = StrategyBuilder(
                stock: HookedPort(lab.stock) { [product] name in
                    guard name == "move-in" else { return }
                    let filled = try? await lab.pool.fill(
                        product, units: 16, as: StockEpoch(origin: "ledger", number: 2))
                    fillings.note(filled == .filled)
                },
                lockNodes: [], clock: ContinuousClock())
            // More than a bucket holds, so all are gathered.
            _ = try? await builder.strategy(.sharded).reserve(lab.reservation(of: product, quantity: 60))
            #expect(fillings.values.contains(true))
            let snapshot = try await lab.pool.snapshot(product)
            #expect(snapshot.isWhole(of: epoch(2)))
            #expect((snapshot.units ?? 0) + snapshot.openUnits == 16)
        }
    }
}
