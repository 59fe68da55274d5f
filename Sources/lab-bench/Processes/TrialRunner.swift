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
    let serverArguments: [String]
    let redisSystem: StockReader.RedisSystem?
    let sqliteVersion: String?
    let journalMode: String?
}

/// Runs one trial: fresh Redis, fresh database, fresh server; load; audit. Stops everything on every path.
struct TrialRunner: Sendable {
    static let drain = Duration.seconds(10)

    let plan: RunPlan
    let serverBinary: String

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
        let database = directory.file("lab.sqlite")
        let server = try await ServerProcess.start(
            serverBinary, strategy: planned.strategy, redis: redis.urls, database: database,
            purchaseDeadline: plan.purchaseDeadline)
        let loaded: Loaded
        do {
            loaded = try await load(planned, server, redis, progress)
        } catch {
            _ = await server.stop()
            directory.remove()
            throw error
        }
        let status = await server.stop()
        let finished = await audit(planned, loaded, server, status, redis, database)
        directory.remove()
        return finished
    }

    private struct Loaded: Sendable {
        let shop: Shop
        let record: LoadRecord
        let cost: LoadCost
    }

    private func load(
        _ planned: PlannedTrial, _ server: ServerProcess, _ redis: TrialRedis,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> Loaded {
        let shop = try await Shop.open(server.target, users: plan.users, stock: planned.stock)
        let requests = shop.tokens.map { server.target.purchase(of: shop.product, token: $0) }
        let times = LoadPlan(warmup: planned.warmup, duration: planned.duration, drain: Self.drain)
        func cost() -> LoadCost {
            LoadCost.now(server: server.process.processIdentifier, redis: redis.processIdentifiers)
        }
        let before = cost()
        let record = try await LoadGenerator.run(server.target, requests, times, progress: progress)
        return Loaded(shop: shop, record: record, cost: cost().since(before))
    }

    private func audit(
        _ planned: PlannedTrial, _ loaded: Loaded, _ server: ServerProcess, _ status: ExitStatus,
        _ redis: TrialRedis, _ database: String
    ) async -> FinishedTrial {
        let product = loaded.shop.product
        // SQLite blocks, so it gets a thread that may.
        let ledger = try? await NIOThreadPool.singleton.runIfActive {
            LedgerReader.read(database, product: product)
        }
        let layout = planned.strategy.traits.stockLayout
        var stock = await StockReader.read(redis.stock, product: product, buckets: layout.bucketCount)
        if layout == .ledger, let sums = ledger?.ledger {
            // There is no stock but the one that the ledger's sums imply.
            stock?.stock = sums.supplied - sums.sold
        }
        let facts = AuditFacts(
            planned, loaded.record, ledger: ledger, stock: stock, serverEnd: status.description,
            serverEndedWell: status.isSuccess)
        return FinishedTrial(
            planned: planned, record: loaded.record, facts: facts, checks: Audit.checks(facts),
            cost: loaded.cost, serverArguments: server.shownArguments, redisSystem: stock?.system,
            sqliteVersion: ledger?.sqliteVersion, journalMode: ledger?.journalMode)
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
