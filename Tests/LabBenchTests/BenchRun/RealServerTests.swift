import BenchAudit
import BenchLoad
import BenchModel
import Foundation
import LabProcesses
import LockStrategies
import NIOHTTP1
import Testing

@testable import BenchRun

/// The promises of the whole product, over HTTP, with every process real.
@Suite("Buyers at a real server", .serialized, .timeLimit(.minutes(10)))
struct RealServerTests {
    /// Those that a server on SQLite can run; the other one is in `PostgresStrategyTests`.
    static let strategies = StrategyRegistry.builtIn.entries.filter {
        !$0.isNegativeControl && !$0.needsPostgres
    }

    /// Runs `body` with a server of its own, which is killed afterwards.
    private func withServer(
        _ strategy: StrategyEntry,
        _ body: (ServerProcess, TrialRedis, _ database: String) async throws -> Void
    ) async throws {
        let plan = try RunPlan(RunOptions(), seed: 1)
        let directory = try TemporaryDirectory()
        let database = directory.file("lab.sqlite")
        let redis = try await TrialRedis.start(plan, strategy)
        do {
            let server = try await ServerProcess.start(
                try ServerProcess.find(nil), strategy: strategy, redis: redis.urls,
                database: .sqlite(database),
                purchaseDeadline: plan.purchaseDeadline)
            do {
                try await body(server, redis, database)
                await server.process.killNow()
            } catch {
                await server.process.killNow()
                throw error
            }
            await redis.stop()
        } catch {
            await redis.stop()
            throw error
        }
        directory.remove()
    }

    /// Each user buys one unit, all at once.
    private func buyOnce(_ shop: Shop, at target: LoadTarget) async throws -> [BuyerOutcome] {
        try await withThrowingTaskGroup(of: BuyerOutcome.self) { group in
            for token in shop.tokens {
                group.addTask {
                    try await APIClient.with(target) { client in
                        let body = Data(#"{"product_id":\#(shop.products[0]),"quantity":1}"#.utf8)
                        let answer = try await client.send(.POST, "/api/purchases", token: token, body: body)
                        let problem = String(decoding: answer.body, as: UTF8.self)
                        return BuyerOutcome(status: answer.status, problem: problem)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("get exactly the 10 units that there are when 20 want one", arguments: strategies)
    func tenUnits(strategy: StrategyEntry) async throws {
        try await withServer(strategy) { server, redis, database in
            let shop = try await Shop.open(server.target, ShopOrder(users: 20, stock: 10), prefix: "buyer-")
            let outcomes = try await buyOnce(shop, at: server.target)
            #expect(outcomes.count { $0 == .success } == 10)
            #expect(outcomes.count { $0 == .soldOut } == 10)
            let left = await StockReader.read(
                redis.stock, products: shop.products, buckets: strategy.traits.stockLayout.bucketCount)
            #expect(left?.stocks.map(\.units) == [0])
            #expect(LedgerReader.read(database, products: shop.products)?.sum.rows == 10)
        }
    }

    @Test("keep what they were told they had bought when the server is killed right after")
    func killedServer() async throws {
        try await withServer(.luaAtomic) { server, _, database in
            let shop = try await Shop.open(
                server.target, ShopOrder(users: 10, stock: 100), prefix: "buyer-")
            let outcomes = try await buyOnce(shop, at: server.target)
            await server.process.killNow()
            #expect(outcomes.count { $0 == .success } == 10)
            #expect(LedgerReader.read(database, products: shop.products)?.sum.rows == 10)
        }
    }
}
