import BenchRun
import FaultAudit
import Foundation
import LabProcesses
import LockDrivers
package import LockStrategies
import RedisClient
import Synchronization

/// What one worker process does: its buyers take units through the strategy itself, without HTTP and ledger.
package struct WorkerPlan: Sendable, Codable, Equatable {
    package var strategy: String
    package var stock: String
    package var lockNodes: [String]
    package var buyers: Int
    package var milliseconds: Int
    package var leaseMilliseconds: Int
    package var patienceMilliseconds: Int
    /// So much longer a call that takes units is, after the last look at the clock, while the worker is slow.
    package var slowMilliseconds: Int
    /// One in so many of them is slow.
    package var slowOneIn: Int
    /// So much longer each of them is, at all times.
    package var workMilliseconds: Int
    /// The file to which each step is written.
    package var output: String
    /// The command of a driver whose lock is taken, instead of that of the strategy.
    package var driver: [String]?

    package init(
        output: String, strategy: String, stock: String, lockNodes: [String] = [], buyers: Int,
        milliseconds: Int,
        leaseMilliseconds: Int, patienceMilliseconds: Int, slowMilliseconds: Int = 0, slowOneIn: Int = 20,
        workMilliseconds: Int = 0
    ) {
        self.output = output
        self.strategy = strategy
        self.stock = stock
        self.lockNodes = lockNodes
        self.buyers = buyers
        self.milliseconds = milliseconds
        self.leaseMilliseconds = leaseMilliseconds
        self.patienceMilliseconds = patienceMilliseconds
        self.slowMilliseconds = slowMilliseconds
        self.slowOneIn = slowOneIn
        self.workMilliseconds = workMilliseconds
    }
}

/// A worker process of the fault lab.
package struct Worker: Sendable {
    /// Printed when it begins to buy.
    static let readyLine = "fault-worker buys"

    private let plan: WorkerPlan
    private let buyer: StrategyBuyer<SlowRedis, ContinuousClock>
    private let clients: [RedisClient]
    private let finishing: FinishingQueue
    private let switches: WorkerSwitches
    private let fleet: DriverFleet?

    /// - Parameter registry: Strategies that the plan may name.
    /// - Throws: A sentence that says what is wrong with the plan.
    package init(_ plan: WorkerPlan, from registry: StrategyRegistry) async throws {
        self.plan = plan
        let file = try StepFile(plan.output)
        let steps = StepNotes(now: { MachineClock.now }, note: { file.add($0) })
        let switches = WorkerSwitches()
        self.switches = switches
        let finishing = FinishingQueue()
        self.finishing = finishing
        fleet = try await Self.startDriver(plan)
        let entry = try Self.entry(plan, fleet, registry)
        let driverLock = fleet.map { UnfencedLock(DriverLock($0)) }
        let endpoints = try ([plan.stock] + plan.lockNodes).map { try RedisEndpoint(parsing: $0) }
        let limits = RedisClient.Limits(connect: .milliseconds(500), command: .milliseconds(1_500))
        clients = endpoints.map { RedisClient($0, limits: limits) }
        let ports = clients.map {
            SlowRedis(
                redis: $0, switches: switches, work: .milliseconds(plan.workMilliseconds),
                delay: .milliseconds(plan.slowMilliseconds), oneIn: plan.slowOneIn)
        }
        let settings = StrategySettings(leaseTimeToLive: .milliseconds(plan.leaseMilliseconds))
        let nodes = zip(ports, endpoints).dropFirst().map { LockNode(name: $1.server, redis: $0) }
        let clock = ContinuousClock()
        let strategy = try StrategyBuilder(
            stock: ports[0], lockNodes: Array(nodes), clock: clock, settings: settings,
            finishing: finishing
        ).strategy(entry) { steps.noting(driverLock ?? $0, clock: clock) }
        buyer = StrategyBuyer(
            strategy, stock: ProductStock(ports[0], layout: entry.traits.stockLayout), clock: clock,
            random: .system, patience: .milliseconds(plan.patienceMilliseconds), steps: steps)
    }

    /// One process of the driver for each worker. Where there are lock nodes, a majority of them is asked.
    private static func startDriver(_ plan: WorkerPlan) async throws -> DriverFleet? {
        guard let command = plan.driver else { return nil }
        return try await DriverFleet.start(
            command, count: 1, redis: plan.lockNodes.isEmpty ? [plan.stock] : plan.lockNodes,
            environment: ProcessInfo.processInfo.environment)
    }

    private static func entry(
        _ plan: WorkerPlan, _ fleet: DriverFleet?, _ registry: StrategyRegistry
    ) throws -> StrategyEntry {
        if let fleet, let id = StrategyID(rawValue: plan.strategy) {
            return PlannedDriver(id, plan.driver ?? [], fleet.hello).entry
        }
        guard let entry = registry.entry(named: plan.strategy) else {
            throw StrategyConfigurationError(registry.complaint(about: plan.strategy))
        }
        return entry
    }

    /// Buys until SIGTERM, or until the time of the plan is over, and writes each step down. It is slow from
    /// SIGUSR1 to SIGUSR2.
    package func run() async {
        switches.watch()
        StandardStream.output.say("\(Self.readyLine)\n")
        let end = ContinuousClock.now + .milliseconds(plan.milliseconds)
        let numbers = CallNumbers()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<plan.buyers {
                group.addTask {
                    while ContinuousClock.now < end && !switches.isStopped {
                        let purchase = await buyer.buy(numbers.next(), by: number)
                        // Who was refused does not ask again at once.
                        if purchase.outcome != .ok { try? await Task.sleep(for: .milliseconds(2)) }
                    }
                }
            }
        }
        await finishing.finish()
        if let wrong = await fleet?.stop() { StandardStream.error.say("\(wrong)\n") }
        for client in clients { await client.close() }
    }
}

/// Each call of a worker has a number.
private final class CallNumbers: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}

/// Where a worker writes its steps: each line with one system call, so what was begun is known when the
/// worker is killed.
private final class StepFile: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { close(descriptor) }

    func add(_ line: WorkerLine) {
        let bytes = Array((line.text + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
}
