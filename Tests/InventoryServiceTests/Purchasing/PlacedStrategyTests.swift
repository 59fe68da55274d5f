import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Where the commands of a strategy are sent from.
@Suite struct PlacedStrategyTests {
    /// Those that one Redis is enough for.
    private static let strategies = StrategyRegistry.builtIn.entries.filter {
        $0.traits.abilities.isDisjoint(with: [.quorum, .sessions]) && $0.traits.stockLayout != .ledger
    }

    private struct Unexpected: Error {
        let decision: ReserveOutcome.Decision
        init(_ decision: ReserveOutcome.Decision) { self.decision = decision }
    }

    private static func isOn(_ executor: HoldableExecutor) -> Bool {
        unsafe withUnsafeCurrentTask { task in
            unsafe task?.unownedTaskExecutor == executor.asUnownedTaskExecutor()
        }
    }

    @Test(
        "A lock is asked for, held and given back on its executor; what has no lock stays with its caller",
        arguments: strategies)
    func place(_ entry: StrategyEntry) async throws {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server async throws in
            let redis = RedisClient(server.endpoint)
            let (executor, places) = (HoldableExecutor(), Recorder<Bool>())
            let port = HookedPort(redis) { _ in places.note(Self.isOn(executor)) }
            let settings = ServiceSettings(strategy: entry)
            let strategy = try settings.strategy(on: port, lockNodes: [], executor: executor)
            let (product, epoch) = (ProductID(1), StockEpoch(origin: "test", number: 1))
            let stock = ProductStock(redis, layout: entry.traits.stockLayout)
            #expect(try await stock.initialise(product, units: 9, as: epoch))

            let id = ReservationID(random: .system)
            let deadline = ContinuousClock.now + .seconds(30)
            let outcome = try await strategy.reserve(
                Reservation(id: id, product: product, quantity: 2, deadline: deadline))
            guard case .reserved = outcome.decision else { throw Unexpected(outcome.decision) }
            let reserving = places.values.count
            #expect(!Self.isOn(executor))
            #expect(try await strategy.cancel(id, of: product, deadline: deadline) == 2)
            #expect(!Self.isOn(executor))

            #expect(reserving > 0 && places.values.count > reserving)
            #expect(Set(places.values) == [entry.traits.takesLock])
            await redis.close()
        }
    }
}
