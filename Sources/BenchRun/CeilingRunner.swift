import BenchLoad
package import BenchModel
package import BenchResults
import InventoryService
import LabProcesses
import LedgerSQLite
import LockStrategies
import RedisClient

/// What a ceiling came to.
package struct FinishedCeiling: Sendable, Equatable {
    package let ceiling: Ceiling
    let perSecond: Double
    package let duration: Duration
    /// Over the whole load.
    let wallSeconds: Double
    package let cost: LoadCost
}

/// Loads one part of the system alone, with the users and the settings of the run.
struct CeilingRunner: Sendable {
    let plan: RunPlan
    let place: ServicePlace

    func run(_ ceiling: Ceiling) async throws -> FinishedCeiling {
        switch ceiling {
        case .bareHTTP: try await bareHTTP()
        case .redisOnly: try await withRedis { try await redisOnly($0) }
        case .sqliteOnly: try await sqliteOnly()
        case .noLock: try await noLock()
        }
    }

    private var times: LoadPlan {
        LoadPlan(warmup: plan.ceilingWarmup, duration: plan.ceilingDuration, drain: TrialRunner.drain)
    }

    private func finish(_ ceiling: Ceiling, _ record: LoadRecord, _ cost: LoadCost) -> FinishedCeiling {
        FinishedCeiling(
            ceiling: ceiling, perSecond: record.purchasesPerSecond, duration: plan.ceilingDuration,
            wallSeconds: record.wallSeconds, cost: cost)
    }

    private func withRedis<Value>(_ body: (TrialRedis) async throws -> Value) async throws -> Value {
        let redis = try await TrialRedis.start(plan, .luaAtomic)
        do {
            let value = try await body(redis)
            await redis.stop()
            return value
        } catch {
            await redis.stop()
            throw error
        }
    }

    private func withDirectory<Value>(
        _ body: (TemporaryDirectory) async throws -> Value
    ) async throws -> Value {
        let directory: TemporaryDirectory
        do throws(LabProcessError) {
            directory = try TemporaryDirectory(prefix: "lab-bench")
        } catch {
            throw BenchError(.unreachable, error.description)
        }
        defer { directory.remove() }
        return try await body(directory)
    }

    private func bareHTTP() async throws -> FinishedCeiling {
        switch place {
        case .ownProcess: throw BenchError(.badInput, "there is no HTTP in direct mode")
        case .target(let server): return try await knock(at: server.target, servers: [])
        case .server(let binary):
            return try await withRedis { redis in
                try await withDirectory { directory in
                    let server = try await ServerProcess.start(
                        binary, strategy: .luaAtomic, redis: redis.urls,
                        database: .sqlite(directory.file("lab.sqlite")),
                        purchaseDeadline: plan.purchaseDeadline,
                        bcryptCost: plan.bcryptCost)
                    let result: Result<FinishedCeiling, any Error>
                    do {
                        result = .success(
                            try await knock(at: server.target, servers: server.processIdentifiers))
                    } catch {
                        result = .failure(error)
                    }
                    _ = await server.stop()
                    return try result.get()
                }
            }
        }
    }

    private func knock(at target: LoadTarget, servers: [Int32]) async throws -> FinishedCeiling {
        let users = [any LoadUser](
            repeating: Knocker(request: target.get("/health/live")), count: plan.users)
        let before = LoadCost.now(servers: servers, redis: [])
        let (_, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let record = try await LoadGenerator.run(target, users, times, progress: progress)
        return finish(.bareHTTP, record, LoadCost.now(servers: servers, redis: []).since(before))
    }

    /// Loads something in this process by one task a user.
    private func calls(
        _ ceiling: Ceiling, redis: [Int32], _ call: @escaping @Sendable (Int) async -> BuyerOutcome
    ) async throws -> FinishedCeiling {
        let wishes = (0..<plan.users).map { ProductMix.Wishes(.one, seed: plan.seed, user: $0) }
        let before = LoadCost.now(servers: [], redis: redis)
        let (_, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let record = try await DirectLoad.run(wishes, times, progress: progress) { user, _ in
            DirectAnswer(outcome: await call(user))
        }
        return finish(ceiling, record, LoadCost.now(servers: [], redis: redis).since(before))
    }

    private func redisOnly(_ redis: TrialRedis) async throws -> FinishedCeiling {
        let client = RedisClient(redis.stock)
        let product = ProductID(1)
        let patience = plan.purchaseDeadline
        let result: Result<FinishedCeiling, any Error>
        do {
            let stock = StockStore(client, layout: .oneKey)
            let ids = ReservationIDs()
            let epoch = StockEpoch(origin: "lab-bench", number: 1)
            _ = try await stock.initialise(product, units: 1_000_000_000, as: epoch)
            let strategy = try StrategyBuilder(stock: client, lockNodes: [], clock: ContinuousClock())
                .strategy(.luaAtomic)
            result = .success(
                try await calls(.redisOnly, redis: redis.processIdentifiers) { _ in
                    let reservation = Reservation(
                        id: ids.next(), product: product, quantity: 1,
                        deadline: .now + patience)
                    do throws(StrategyError) {
                        guard case .reserved = try await strategy.reserve(reservation).decision else {
                            return .other
                        }
                        return .success
                    } catch {
                        return .unavailable
                    }
                })
        } catch {
            result = .failure(error)
        }
        await client.close()
        return try result.get()
    }

    private func sqliteOnly() async throws -> FinishedCeiling {
        try await withDirectory { directory in
            let ledger = try await SQLiteLedger.open(path: directory.file("lab.sqlite"))
            let result: Result<FinishedCeiling, any Error>
            do {
                result = .success(try await sell(through: ledger))
            } catch {
                result = .failure(error)
            }
            await ledger.close()
            return try result.get()
        }
    }

    private func sell(through ledger: SQLiteLedger) async throws -> FinishedCeiling {
        let clock = WallClock.system
        let outcome = try await ledger.createUser(
            NewUser(
                username: "buyer", email: nil, passwordHash: PasswordHash(stored: "none"), role: .user,
                createdAt: clock.now))
        guard case .created(let user) = outcome else {
            throw BenchError(.unexpectedAnswer, "a new ledger already has a user")
        }
        let offer = try NewProduct(name: "lab product", price: 1000, initialStock: 1_000_000_000)
        let product = try await ledger.createProduct(offer, actor: user.id, at: clock.now)
        let ids = ReservationIDs()
        return try await calls(.sqliteOnly, redis: []) { _ in
            let sale = Sale(
                reservation: ids.next(), user: user.id, product: product.id, quantity: 1,
                idempotencyKey: nil, strategy: StrategyEntry.sqlRow.name, fence: nil,
                purchasedAt: clock.now)
            do throws(InventoryError) {
                guard case .recorded = try await ledger.record(sale) else { return .other }
                return .success
            } catch {
                return .unavailable
            }
        }
    }

    /// The audit of this trial is not looked at: that it oversells is shown by the negative control.
    private func noLock() async throws -> FinishedCeiling {
        let planned = PlannedTrial(
            strategy: .unguarded, model: .closed, rate: nil, order: 0, block: 0, stock: plan.stock,
            warmup: plan.ceilingWarmup, duration: plan.ceilingDuration, users: plan.users)
        let (_, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let trial = try await TrialRunner(plan: plan, place: place).run(planned, progress: progress)
        return finish(.noLock, trial.record, trial.cost)
    }
}
