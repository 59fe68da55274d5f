import LabProcesses
import LockStrategies
import NIOPosix

/// A trial that was run to its end.
struct FinishedTrial: Sendable {
    let planned: PlannedTrial
    let record: LoadRecord
    let facts: AuditFacts
    let checks: [Check]
    let cost: LoadCost
    /// Nil: there was no server.
    let serverArguments: [String]?
    let redisSystem: StockReader.RedisSystem?
    let sqliteVersion: String?
    let journalMode: String?
}

/// Runs one trial: fresh Redis, fresh database, fresh service; load; audit. Stops everything on every path.
struct TrialRunner: Sendable {
    static let drain = Duration.seconds(10)

    let plan: RunPlan
    let place: ServicePlace

    func run(
        _ planned: PlannedTrial, progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        defer { progress.finish() }
        let redis = try await TrialRedis.start(plan, planned.strategy)
        do {
            let finished = try await run(planned, redis, progress)
            await redis.stop()
            return finished
        } catch {
            await redis.stop()
            throw error
        }
    }

    private func run(
        _ planned: PlannedTrial, _ redis: TrialRedis, _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        let directory: TemporaryDirectory
        do throws(LabProcessError) {
            directory = try TemporaryDirectory(prefix: "lab-bench")
        } catch {
            throw BenchError(.unreachable, error.description)
        }
        defer { directory.remove() }
        let database = directory.file("lab.sqlite")
        switch place {
        case .server(let binary):
            let server = try await ServerProcess.start(
                binary, strategy: planned.strategy, redis: redis.urls, database: database,
                purchaseDeadline: plan.purchaseDeadline)
            return try await run(planned, server, redis, database, progress)
        case .ownProcess:
            let service = try await DirectService.start(
                planned.strategy, redis: redis, database: database, purchaseDeadline: plan.purchaseDeadline)
            return try await run(planned, service, redis, database, progress)
        }
    }

    private func run(
        _ planned: PlannedTrial, _ service: some TrialService, _ redis: TrialRedis, _ database: String,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        let loaded: Loaded
        do {
            loaded = try await load(planned, service, redis, progress)
        } catch {
            _ = await service.stop()
            throw error
        }
        let end = await service.stop()
        let (ledger, stock) = await state(of: planned.strategy, loaded.product, redis, database)
        let facts = AuditFacts(
            planned, loaded.record, ledger: ledger, stock: stock, serverEnd: end.description,
            serverEndedWell: end.isGood)
        return FinishedTrial(
            planned: planned, record: loaded.record, facts: facts, checks: Audit.checks(facts),
            cost: loaded.cost, serverArguments: service.shownArguments, redisSystem: stock?.system,
            sqliteVersion: ledger?.sqliteVersion, journalMode: ledger?.journalMode)
    }

    private struct Loaded: Sendable {
        let product: Int64
        let record: LoadRecord
        let cost: LoadCost
    }

    private func load(
        _ planned: PlannedTrial, _ service: some TrialService, _ redis: TrialRedis,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> Loaded {
        let shop = try await service.openShop(users: plan.users, stock: planned.stock)
        let times = LoadPlan(warmup: planned.warmup, duration: planned.duration, drain: Self.drain)
        func cost() -> LoadCost {
            LoadCost.now(server: service.processIdentifier, redis: redis.processIdentifiers)
        }
        let before = cost()
        let record = try await shop.load(times, progress)
        return Loaded(product: shop.product, record: record, cost: cost().since(before))
    }

    /// What the ledger and Redis hold after the service has ended.
    private func state(
        of strategy: StrategyID, _ product: Int64, _ redis: TrialRedis, _ database: String
    ) async -> (LedgerReader.Reading?, StockReader.Reading?) {
        // SQLite blocks, so it gets a thread that may.
        let ledger = try? await NIOThreadPool.singleton.runIfActive {
            LedgerReader.read(database, product: product)
        }
        let layout = strategy.traits.stockLayout
        var stock = await StockReader.read(redis.stock, product: product, buckets: layout.bucketCount)
        if layout == .ledger, let sums = ledger?.ledger {
            // There is no stock but the one that the ledger's sums imply.
            stock?.stock = sums.supplied - sums.sold
        }
        return (ledger, stock)
    }
}

extension AuditFacts {
    /// Puts together what the three sides said.
    init(
        _ planned: PlannedTrial, _ record: LoadRecord, ledger: LedgerReader.Reading?,
        stock: StockReader.Reading?, serverEnd: String, serverEndedWell: Bool
    ) {
        initialStock = planned.stock
        answers = Answers(
            success: record.total(.success), oversellRefused: record.total(.oversellRefused),
            unknown: PurchaseOutcome.allCases.filter(\.isUnknown).reduce(0) { $0 + record.total($1) })
        self.ledger = ledger?.ledger
        if let stock, let ledger {
            let open = stock.reservations.filter { !ledger.reservations.contains($0.key) }
            redis = Redis(
                stock: stock.stock, openReservations: open.count, openUnits: open.values.reduce(0, +),
                unclearedReservations: stock.reservations.count - open.count)
        }
        busyShare = record.busyShare
        measuredSuccesses = record.measured(.success)
        self.serverEnd = serverEnd
        self.serverEndedWell = serverEndedWell
    }
}
