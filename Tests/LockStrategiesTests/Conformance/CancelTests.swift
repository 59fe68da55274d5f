import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Returning a reservation")
struct CancelTests {
    @Test("units that go back while others buy are not lost", arguments: StrategyLab.real)
    func returnsBesideBuyers(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(1_000, of: product)
            let strategy = try lab.catalogue().strategy(id)
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
        "a second return, or one of a reservation that never was, returns nothing",
        arguments: StrategyLab.real)
    func twice(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.catalogue().strategy(id)
            let reservation = lab.reservation(of: product, quantity: 4)
            let end = ContinuousClock.now + .seconds(600)
            #expect(try await strategy.cancel(reservation.id, of: product, deadline: end) == 0)
            _ = try await strategy.reserve(reservation)
            #expect(try await strategy.cancel(reservation.id, of: product, deadline: end) == 4)
            #expect(try await strategy.cancel(reservation.id, of: product, deadline: end) == 0)
            #expect(try await lab.readStock(product) == 10)
        }
    }
}
