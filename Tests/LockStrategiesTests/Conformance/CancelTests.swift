import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Returning a reservation")
struct CancelTests {
    @Test("units that go back while others buy are not lost", arguments: StrategyLab.real)
    func returnsBesideBuyers(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(1_000, of: product)
            let strategy = try lab.builder().strategy(id)
            let returned = try await withThrowingTaskGroup(of: Int.self) { group in
                for buyer in 0..<60 {
                    let reservation = lab.reservation(of: product, quantity: 3, within: .seconds(600))
                    group.addTask {
                        _ = try await strategy.reserve(reservation)
                        guard buyer % 2 == 0 else { return 0 }
                        return try await strategy.cancel(
                            reservation.id, of: product, deadline: .now + .seconds(600))
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(returned == 90)
            #expect(try await lab.readStock(product) == 910)
            #expect(try await lab.openReservations(product) == (90, 30))
        }
    }

    @Test(
        "null compensation: the return of a reservation that never was returns nothing",
        arguments: StrategyLab.real)
    func nullCompensation(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            let end = ContinuousClock.now + .seconds(600)
            let never = ReservationID(random: .system)
            #expect(try await strategy.cancel(never, of: product, deadline: end) == 0)
            #expect(try await lab.readStock(product) == 10)
            // Nor does it bring a stock into being where there is none.
            #expect(try await strategy.cancel(never, of: ProductID(2), deadline: end) == 0)
            #expect(try await lab.readStock(ProductID(2)) == nil)
        }
    }

    @Test("hanging try: a reservation that comes after its return takes nothing", arguments: StrategyLab.real)
    func hangingTry(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            // Both: one that never was before its return, and one that was and is sent again.
            for wasThere in [false, true] {
                let reservation = lab.reservation(of: product, quantity: 4)
                if wasThere { _ = try await strategy.reserve(reservation) }
                let end = ContinuousClock.now + .seconds(600)
                #expect(
                    try await strategy.cancel(reservation.id, of: product, deadline: end)
                        == (wasThere ? 4 : 0))
                do throws(StrategyError) {
                    _ = try await strategy.reserve(reservation)
                    Issue.record("a reservation was made after its return")
                } catch {
                    #expect(error.code == .reservationEnded)
                }
                #expect(try await lab.readStock(product) == 10)
                #expect(try await lab.openReservations(product) == (0, 0))
            }
        }
    }

    @Test(
        "hanging try: a return between the read and the write of a purchase refuses the write",
        arguments: StrategyLab.real.filter { [.setnxSpin, .fenced, .redlock, .optimistic].contains($0) })
    func returnBeforeTheWrite(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let reservation = lab.reservation(of: product, quantity: 4)
            // The mark is set as by a return whose lock was lost meanwhile, before each write.
            let looker = StockReturn(lab: lab, id: reservation.id, product: product)
            let builder = StrategyBuilder(
                stock: HookedPort(lab.stock) { name in
                    if name.hasPrefix("write-stock") { await looker.act() }
                },
                lockNodes: lab.lockServers.enumerated().map { index, server in
                    LockNode(name: "node\(index)", redis: HookedPort(server) { _ in })
                },
                clock: ContinuousClock())
            let strategy = try builder.strategy(id)
            if id == .optimistic { await looker.act() }
            do throws(StrategyError) {
                _ = try await strategy.reserve(reservation)
                Issue.record("the write was not refused")
            } catch {
                #expect(error.code == .reservationEnded)
            }
            #expect(try await lab.readStock(product) == 10)
            #expect(try await lab.openReservations(product) == (0, 0))
        }
    }

    /// Marks a reservation as ended, beside whatever lock there is.
    private struct StockReturn: Sendable {
        let lab: StrategyLab
        let id: ReservationID
        let product: ProductID

        func act() async {
            _ = try? await LuaAtomic(redis: lab.stock, clock: ContinuousClock()).cancel(
                id, of: product, deadline: .now)
        }
    }

    @Test(
        "double confirm: clearing a reservation twice, or after its return, changes no stock",
        arguments: StrategyLab.real)
    func doubleConfirm(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            let reservation = lab.reservation(of: product, quantity: 4)
            _ = try await strategy.reserve(reservation)
            for _ in 0..<2 {
                try await lab.pool.clear(reservation.id, of: product)
                #expect(try await lab.readStock(product) == 6)
                #expect(try await lab.openReservations(product) == (0, 0))
            }
        }
    }

    @Test(
        "what ended stands beside no open reservation: its mark is a key of its own, which Redis removes",
        arguments: StrategyLab.real)
    func marksGo(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            let end = ContinuousClock.now + .seconds(600)
            for _ in 0..<20 {
                let reservation = lab.reservation(of: product, quantity: 4)
                _ = try await strategy.reserve(reservation)
                _ = try await strategy.cancel(reservation.id, of: product, deadline: end)
            }
            let records = try await lab.stock.send(RedisCommand("KEYS", "reservations:*")).array
            #expect(records?.isEmpty == true, "an empty hash is no key")
            let marks = try await lab.stock.send(RedisCommand("KEYS", "ended:*")).array ?? []
            #expect(marks.count >= 20)
            for mark in marks {
                let key = try #require(mark.string)
                let left = try await lab.stock.send(RedisCommand("PTTL", key)).integer ?? 0
                #expect((1...3_600_000).contains(left), "\(key)")
            }
        }
    }

    @Test("a second return returns nothing", arguments: StrategyLab.real)
    func twice(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab async throws in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            let reservation = lab.reservation(of: product, quantity: 4)
            let end = ContinuousClock.now + .seconds(600)
            _ = try await strategy.reserve(reservation)
            #expect(try await strategy.cancel(reservation.id, of: product, deadline: end) == 4)
            #expect(try await strategy.cancel(reservation.id, of: product, deadline: end) == 0)
            #expect(try await lab.readStock(product) == 10)
        }
    }
}
