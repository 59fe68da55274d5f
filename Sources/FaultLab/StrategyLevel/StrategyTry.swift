import BenchAudit
import BenchModel
import BenchRun
import FaultAudit
import FaultInjection
import Foundation
import LabProcesses
import LockStrategies
import RedisClient

/// One try at the level of the strategy: worker processes buy through it, and share nothing but Redis.
struct StrategyTry: Sendable {
    let strategy: StrategyEntry
    let fault: Fault
    /// Decides when and whom the fault strikes.
    let chance: UInt64
    /// Prints a worker's steps: `lab-bench`.
    let program: String
    /// Whose lock it is; nil: the strategy's own.
    var driver: FaultDriver?
    var stock = 1_000_000
    /// Done to the Redis of the stock when the fault strikes: a fault that nobody asked for, for the
    /// auditor's tests.
    var planted: @Sendable (RedisClient) async throws -> Void = { _ in }

    static let workers = 4
    static let buyers = 8
    /// From the first call until the fault strikes.
    static let before: ClosedRange<Int> = 500...800
    /// From the end of the fault until the buyers stop.
    static let after = Duration.milliseconds(900)

    /// Nodes that come back must be connected to again while a lease goes on, which takes up to a second.
    private var lease: Duration { fault == .nodeEmptyRestart ? .seconds(3) : .milliseconds(300) }

    func run() async throws -> TryRecord {
        let folder = try TemporaryDirectory(prefix: "lab-fault")
        defer { folder.remove() }
        let stage = try await FaultStage.open(fault, needsNodes: strategy.needsLockNodes)
        let workers = Workers(program: program, folder: folder, plan: plan(stage))
        do {
            let record = try await load(stage, workers)
            await stage.close()
            return record
        } catch {
            await workers.killAll()
            await stage.close()
            throw error
        }
    }

    private func load(_ stage: FaultStage, _ workers: Workers) async throws -> TryRecord {
        let client = RedisClient(
            stage.stock.endpoint, limits: .init(connect: .seconds(2), command: .seconds(5)))
        do {
            let record = try await load(stage, workers, client)
            await client.close()
            return record
        } catch {
            await client.close()
            throw error
        }
    }

    private func load(
        _ stage: FaultStage, _ workers: Workers, _ client: RedisClient
    ) async throws -> TryRecord {
        let shelf = ProductStock(client, layout: strategy.traits.stockLayout)
        let epoch = StockEpoch(origin: "fault-lab", number: 1)
        guard
            try await shelf.initialise(
                StrategyBuyer<RedisClient, ContinuousClock>.product, units: stock, as: epoch)
        else {
            throw LabProcessError(.noResource, "a new Redis has a stock already")
        }
        try await workers.begin(Self.workers)
        let begun = MachineClock.now
        var random = SplitMix64(seed: chance)
        try await Task.sleep(for: .milliseconds(Int.random(in: Self.before, using: &random)))
        let struck = MachineClock.now
        try await planted(client)
        workers.setSlow(true)
        try await stage.strike(
            workers,
            FaultTiming(
                lasts: length, lease: lease, stop: lease + .milliseconds(60)),
            random: &random)
        workers.setSlow(false)
        let healed = MachineClock.now
        try await Task.sleep(for: fault == .nodeEmptyRestart ? lease : Self.after)
        let closed = MachineClock.now
        try await workers.stop()
        // A quiet moment: what was under way has come to its end.
        try await Task.sleep(for: .milliseconds(300))
        return TryRecord(
            history: try await history(stage, workers), begun: begun, struck: struck, healed: healed,
            closed: closed)
    }

    /// Some faults strike several times.
    private var length: Duration {
        switch fault {
        case .pauseBuyer: (lease + .milliseconds(60)) * 5
        // Once, as long as that takes.
        case .nodeEmptyRestart: .zero
        default: .milliseconds(800)
        }
    }

    private func plan(_ stage: FaultStage) -> WorkerPlan {
        var plan = WorkerPlan(
            output: "", strategy: strategy.name, stock: stage.urls[0],
            lockNodes: Array(stage.urls.dropFirst()), buyers: Self.buyers, milliseconds: 60_000,
            leaseMilliseconds: Int(lease / .milliseconds(1)), patienceMilliseconds: 1_000)
        plan.driver = driver?.planned.command
        switch fault {
        case .slowHolder:
            plan.slowMilliseconds = Int(lease * 2 / .milliseconds(1))
            plan.slowOneIn = 20
        // Work inside the lock, as a call of another system is: so there is somebody inside to be struck.
        case .pauseBuyer, .clockJump: plan.workMilliseconds = 20
        case .nodeEmptyRestart: plan.workMilliseconds = Int(lease * 2 / 3 / .milliseconds(1))
        default: break
        }
        return plan
    }

    private func history(_ stage: FaultStage, _ workers: Workers) async throws -> History {
        var operations: [History.Operation] = []
        for (number, file) in workers.files.enumerated() {
            // A worker that was killed at once has written nothing.
            let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            let lines = text.split(separator: "\n").compactMap { WorkerLine($0) }
            operations += History.Operation.all(lines, process: number, first: operations.count)
        }
        let read = MachineClock.now
        let (units, open) = await endOfStock(stage.stockEndpoint)
        return History(
            initialStock: stock, operations: operations, end: .init(read: read, stock: units, open: open))
    }

    /// By commands of the auditor's own. Nil: Redis cannot be reached; a stock that is gone is none.
    private func endOfStock(_ endpoint: RedisEndpoint) async -> (units: Int?, open: Int) {
        let buckets = strategy.traits.stockLayout.bucketCount
        let product = StrategyBuyer<RedisClient, ContinuousClock>.product.rawValue
        if let reading = await StockReader.read(endpoint, products: [product], buckets: buckets),
            let stock = reading.stocks.first
        {
            return (stock.units, stock.reservations.values.reduce(0, +))
        }
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(3), command: .seconds(5)))
        let isThere = try? await client.send(RedisCommand("EXISTS", "stock:{\(product)}")).integer
        await client.close()
        return (isThere == 0 ? 0 : nil, 0)
    }
}
