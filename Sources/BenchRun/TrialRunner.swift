import BenchAudit
import BenchLoad
import BenchModel
import BenchResults
import FaultInjection
import InventoryService
import LabProcesses
import LedgerPostgres
import LedgerSQLite
import LockDrivers
import LockStrategies
import LocksPostgres
import NIOCore
import NIOPosix

/// Runs one trial: fresh Redis, fresh database, fresh service; load; audit. Stops everything on every path.
struct TrialRunner: Sendable {
    static let drain = Duration.seconds(10)

    let plan: RunPlan
    let place: ServicePlace

    func run(
        _ planned: PlannedTrial, _ attempt: Attempt = Attempt(),
        progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        var finished = try await begin(planned, attempt, progress)
        finished.attempt = attempt.number
        return finished
    }

    /// Beside a Redis of its own, or at a server that runs already.
    private func begin(
        _ planned: PlannedTrial, _ attempt: Attempt, _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        let usual = attempt.usual
        defer { progress.finish() }
        if case .target(let server) = place {
            let visit = TargetVisit(server: server, trial: planned.order, attempt: attempt.number)
            return try await measure(planned, usual, visit, nil, progress) { products, record in
                await visit.reading(products, record, scenario: plan.scenario)
            }
        }
        if case (.postgres, .server(let binary)) = (plan.database, place) {
            return try await serve(planned, usual, binary, progress)
        }
        return try await withRedis(planned) { redis in
            if plan.database == .postgres {
                return try await serveOnPostgres(planned, usual, redis, progress)
            }
            return try await serve(planned, usual, redis, progress)
        }
    }

    private func withRedis(
        _ planned: PlannedTrial, postgres: PostgresServerProcess? = nil,
        _ body: (TrialRedis) async throws -> FinishedTrial
    ) async throws -> FinishedTrial {
        let redis = try await TrialRedis.start(plan, planned.strategy, postgres: postgres)
        do {
            let finished = try await body(redis)
            await redis.stop()
            return finished
        } catch {
            await redis.stop()
            throw error
        }
    }

    /// Starts the service over an empty ledger.
    private func serve(
        _ planned: PlannedTrial, _ usual: [String: Double], _ redis: TrialRedis,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        let directory: TemporaryDirectory
        do throws(LabProcessError) {
            directory = try TemporaryDirectory(prefix: "lab-bench")
        } catch {
            throw BenchError(.unreachable, error.description)
        }
        defer { directory.remove() }
        let database = directory.file("lab.sqlite")
        func state(_ products: [Int64], _ record: LoadRecord) async -> ShopReading {
            await self.state(of: planned.strategy, products, redis) { asked in
                // SQLite blocks, so it gets a thread that may.
                try? await NIOThreadPool.singleton.runIfActive {
                    LedgerReader.read(database, products: products, asked: asked)
                }
            }
        }
        if case .server(let binary) = place, redis.stage != nil {
            let server = StruckServers { _, port, variables in
                try await ServerProcess.start(
                    binary, strategy: planned.strategy, redis: redis.urls, database: .sqlite(database),
                    purchaseDeadline: plan.purchaseDeadline, bcryptCost: plan.bcryptCost, port: port,
                    variables: variables)
            }
            try await server.begin()
            return try await measure(planned, usual, server, redis, progress, state)
        }
        if case .server(let binary) = place {
            let server = try await ServerProcess.start(
                binary, strategy: planned.strategy, redis: redis.urls, database: .sqlite(database),
                purchaseDeadline: plan.purchaseDeadline, bcryptCost: plan.bcryptCost)
            return try await measure(planned, usual, server, redis, progress, state)
        }
        let fleet = try await driver(of: planned.strategy)?.start(redis: redis.urls)
        if plan.mode == .strategy {
            let service = try await StrategyService.start(
                plan.settings(of: planned.strategy), redis: redis, driver: fleet)
            return try await measure(planned, usual, service, redis, progress, state)
        }
        let service = try await DirectService.start(
            plan.settings(of: planned.strategy), redis: redis, driver: fleet
        ) { () throws(InventoryError) in try await SQLiteLedger.open(path: database) }
        return try await measure(planned, usual, service, redis, progress, state)
    }

    /// Starts the service in this process, beside a PostgreSQL that has the ledger, if there is one, and the
    /// locks of a strategy that takes them there.
    private func serveOnPostgres(
        _ planned: PlannedTrial, _ usual: [String: Double], _ redis: TrialRedis,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        let (strategy, settings) = (planned.strategy, plan.settings(of: planned.strategy))
        return try await withPostgres { database in
            let endpoint = try database.endpoint()
            let locks = strategy.needsPostgres ? PostgresAdvisoryLocks(endpoint) : nil
            let fleet = try await driver(of: strategy)?.start(redis: redis.urls)
            if plan.mode == .strategy {
                let service = try await StrategyService.start(
                    settings, redis: redis, locks: locks, driver: fleet)
                return try await measure(planned, usual, service, redis, progress) { products, _ in
                    await state(of: strategy, products, redis) { _ in nil }
                }
            }
            let service = try await DirectService.start(
                settings, redis: redis, locks: locks, driver: fleet
            ) { () throws(InventoryError) in try await PostgresLedger.open(endpoint) }
            return try await measure(planned, usual, service, redis, progress) { products, _ in
                await state(of: strategy, products, redis) { asked in
                    await LedgerReader.read(postgres: database.url, products: products, asked: asked)
                }
            }
        }
    }

    private func withPostgres(
        _ body: (TrialPostgres) async throws -> FinishedTrial
    ) async throws -> FinishedTrial {
        let database = try await TrialPostgres.start(servers: plan.servers)
        do {
            let finished = try await body(database)
            await database.stop()
            return finished
        } catch {
            await database.stop()
            throw error
        }
    }

    /// Starts servers over an empty ledger on a PostgreSQL of their own.
    private func serve(
        _ planned: PlannedTrial, _ usual: [String: Double], _ binary: String,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> FinishedTrial {
        try await withPostgres { database in
            try await withRedis(planned, postgres: database.server) { redis in
                func state(_ products: [Int64], _ record: LoadRecord) async -> ShopReading {
                    await self.state(of: planned.strategy, products, redis) { asked in
                        await LedgerReader.read(postgres: database.url, products: products, asked: asked)
                    }
                }
                guard let stage = redis.stage else {
                    let group = try await ServerGroup.start(
                        plan.servers, binary, plan, planned.strategy, redis: redis.urls, database.place())
                    return try await measure(planned, usual, group, redis, progress, state)
                }
                let group = StruckServers(plan.servers) { number, port, variables in
                    try await ServerProcess.start(
                        binary, strategy: planned.strategy, redis: stage.urls(ofServer: number),
                        database: database.place(port: stage.ledgerPort(ofServer: number)),
                        purchaseDeadline: plan.purchaseDeadline, bcryptCost: plan.bcryptCost, port: port,
                        variables: variables)
                }
                try await group.begin()
                return try await measure(planned, usual, group, redis, progress, state)
            }
        }
    }

    private func driver(of strategy: StrategyEntry) -> PlannedDriver? {
        plan.drivers.first { $0.id == strategy.id }
    }

    /// Loads the service, stops it, and audits what it sold.
    ///
    /// - Parameter state: What the stores hold after the service has ended.
    private func measure(
        _ planned: PlannedTrial, _ usual: [String: Double], _ service: some TrialService,
        _ redis: TrialRedis?,
        _ progress: AsyncStream<LoadProgress>.Continuation,
        _ state: ([Int64], LoadRecord) async -> ShopReading
    ) async throws -> FinishedTrial {
        let loaded: Loaded
        do {
            loaded = try await load(planned, service, redis, progress)
        } catch {
            _ = await service.stop()
            throw error
        }
        let end = await service.stop()
        let reading = await state(loaded.products, loaded.record)
        var facts = AuditFacts(
            initialStock: planned.stock, planned.load, loaded.record, ledger: reading.ledger,
            stock: reading.stock,
            serverEnd: end.description, serverEndedWell: end.isGood)
        facts.notChecked = reading.notChecked
        if let strike = loaded.strike {
            facts.notChecked.merge(strike.fault.uncheckable) { first, _ in first }
        }
        facts.isLedgerHidden = redis == nil || plan.mode == .strategy
        facts.holds = service.holds
        facts.addMeasurement(
            planned.load, loaded.record, cost: loaded.cost, isDirect: plan.mode.isOwnProcess,
            arrivals: plan.arrivals(of: planned), commandsSeen: loaded.commandsSeen, usual: usual)
        facts.addTraits(of: planned.strategy, loaded.record)
        if driver(of: planned.strategy) != nil {
            facts.notChecked["redis-saw-commands"] = "a driver does not say which commands it sends"
        }
        if plan.mode == .http && redis != nil {
            facts.addServer(
                loaded.record, figures: loaded.figures, linesWritten: loaded.linesWritten,
                peakBytes: loaded.peakBytes)
        }
        return FinishedTrial(
            planned: planned, record: loaded.record, facts: facts, checks: Audit.checks(facts),
            cost: loaded.cost, serverArguments: service.shownArguments,
            redisSystem: reading.stock?.system, sqliteVersion: reading.ledger?.sqliteVersion,
            journalMode: reading.ledger?.journalMode, postgresVersion: reading.ledger?.postgresVersion,
            driverLog: service.driverLog, strike: loaded.strike)
    }

    private struct Loaded: Sendable {
        let products: [Int64]
        let record: LoadRecord
        let cost: LoadCost
        /// By the Redis servers, while the load went on.
        let commandsSeen: CommandCounter?
        /// By the server about itself, while the load went on.
        let figures: ServerFigures?
        let linesWritten: Int?
        let peakBytes: Int?
        let strike: Strike?
    }

    private func load(
        _ planned: PlannedTrial, _ service: some TrialService, _ redis: TrialRedis?,
        _ progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> Loaded {
        let shop = try await service.openShop(
            ShopOrder(
                users: planned.users, stock: planned.stock, mix: plan.mix, scenario: plan.scenario,
                seed: plan.seed &+ UInt64(planned.block)))
        var times = LoadPlan(
            warmup: planned.warmup, duration: planned.duration, drain: Self.drain,
            arrivals: plan.arrivals(of: planned), products: plan.mix.count, scenario: plan.scenario)
        times.seed = plan.seed &+ UInt64(planned.order)
        let (begun, beginning) = AsyncStream<NIODeadline>.makeStream()
        if redis?.stage != nil {
            times.isWarmupFixed = true
            times.onStart = { beginning.yield($0) }
        }
        func cost() -> LoadCost.Moment {
            LoadCost.now(servers: service.processIdentifiers, redis: redis?.processIdentifiers ?? [])
        }
        func commands() async -> CommandCounter? {
            guard let redis else { return nil }
            return await CommandCounter.read([redis.stock] + redis.lockNodes)
        }
        let commandsBefore = await commands()
        let figuresBefore = await service.figures()
        let linesBefore = service.linesWritten
        let before = cost()
        async let striking = strike(planned, service, redis, begun)
        let record = try await shop.load(times, progress)
        beginning.finish()
        let strike = try await striking
        let used = cost().since(before)
        let lines = linesBefore.flatMap { before in service.linesWritten.map { $0 - before } }
        let figuresAfter = await service.figures()
        let commandsAfter = await commands()
        return Loaded(
            products: shop.products, record: record, cost: used,
            commandsSeen: commandsBefore.flatMap { before in commandsAfter.map { $0.since(before) } },
            figures: figuresBefore.flatMap { before in figuresAfter.map { $0.since(before) } },
            linesWritten: lines, peakBytes: ProcessMemory.peakBytes(of: service.processIdentifiers),
            strike: strike)
    }

    /// Breaks something in the middle of the load, and heals it.
    ///
    /// - Parameter begun: Says when the first request was sent.
    private func strike(
        _ planned: PlannedTrial, _ service: some TrialService, _ redis: TrialRedis?,
        _ begun: AsyncStream<NIODeadline>
    ) async throws -> Strike? {
        guard let stage = redis?.stage, let planning = plan.strike, let victim = service as? StruckServers,
            let start = await begun.first(where: { _ in true })
        else { return nil }
        let late = NIODeadline.now() - start
        try await Task.sleep(
            for: planned.warmup + planning.at - .nanoseconds(late.nanoseconds), tolerance: .zero)
        var random = SplitMix64(seed: plan.seed &+ UInt64(planned.order))
        let struck = NIODeadline.now()
        try await stage.strike(
            victim,
            FaultTiming(
                lasts: planning.lasts, lease: plan.policies.leaseTimeToLive, stop: planning.lasts),
            random: &random)
        return Strike(
            fault: planning.fault, struck: (struck - start).nanoseconds,
            healed: (NIODeadline.now() - start).nanoseconds)
    }

    /// What the ledger and Redis hold after the service has ended.
    private func state(
        of strategy: StrategyEntry, _ products: [Int64], _ redis: TrialRedis,
        _ read: ([Set<String>]) async -> LedgerReader.Reading?
    ) async -> ShopReading {
        let layout = strategy.traits.stockLayout
        var stock = await StockReader.read(redis.stock, products: products, buckets: layout.bucketCount)
        if plan.mode == .strategy {
            return ShopReading(ledger: nil, stock: stock, notChecked: StrategyService.notChecked)
        }
        let asked = stock?.stocks.map { Set($0.reservations.keys) } ?? []
        let ledger = await read(asked)
        if layout == .ledger, let books = ledger?.books {
            // There is no stock but the one that the ledger's sums imply.
            stock?.stocks = books.map { .init(units: $0.ledger.supplied - $0.ledger.sold, reservations: [:]) }
        }
        return ShopReading(ledger: ledger, stock: stock)
    }
}
