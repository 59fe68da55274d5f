package import FaultAudit
import Foundation
import LabProcesses
package import LockStrategies
import RedisClient

/// One fault and one strategy, tried until a violation is shown or the budget of tries is spent.
package struct Cell: Sendable {
    package let strategy: StrategyEntry
    package let fault: Fault
    package let seed: UInt64
    /// Prints a worker's steps: `lab-bench`.
    package let program: String

    package init(_ strategy: StrategyEntry, _ fault: Fault, seed: UInt64, program: String) {
        self.strategy = strategy
        self.fault = fault
        self.seed = seed
        self.program = program
    }

    /// What one try came to.
    package struct Try: Sendable {
        package let history: History
        package let report: Auditor.Report
        /// Successes per second before, during and after the fault.
        package let before: Double
        package let during: Double
        package let after: Double
    }

    package struct Outcome: Sendable {
        package let verdict: Auditor.Verdict
        package let tries: Int
        /// The try that showed a violation; else the last one.
        package let shown: Try
    }

    static let workers = 4
    static let buyers = 8
    static let stock = 100_000
    static let lease = Duration.milliseconds(300)
    static let length = Duration.milliseconds(3_000)
    /// The fault strikes in this part of a try, and lasts so long.
    static let strikes: ClosedRange<Int> = 600...1_000
    static let lasts = Duration.milliseconds(700)

    /// - Parameter tries: At most.
    /// - Throws: When Redis or a worker cannot be started: such a cell is unknown.
    package func run(tries: Int) async throws -> Outcome {
        var verdict = Auditor.Verdict.safe
        var last: Try?
        for number in 1...max(tries, 1) {
            let one = try await tryOnce(seed &+ UInt64(number) &* 7_919)
            last = one
            if one.report.verdict == .violated {
                return Outcome(verdict: .violated, tries: number, shown: one)
            }
            if one.report.verdict == .unknown { verdict = .unknown }
        }
        guard let last else { throw CancellationError() }
        return Outcome(verdict: verdict, tries: max(tries, 1), shown: last)
    }
}

extension Cell {
    private struct Servers: Sendable {
        let stock: RedisServerProcess
        let nodes: [RedisServerProcess]

        func stop() async {
            stock.resume()
            for server in [stock] + nodes { await server.stop() }
        }
    }

    private func tryOnce(_ chance: UInt64) async throws -> Try {
        let folder = try TemporaryDirectory(prefix: "lab-fault")
        defer { folder.remove() }
        let stock = try await RedisServerProcess.start(RedisServerOptions(persistence: .aofAlways))
        var nodes: [RedisServerProcess] = []
        do {
            for _ in 0..<(strategy.needsLockNodes ? 5 : 0) {
                nodes.append(try await RedisServerProcess.start())
            }
            let servers = Servers(stock: stock, nodes: nodes)
            let result = try await load(servers, folder, chance)
            await servers.stop()
            return result
        } catch {
            await Servers(stock: stock, nodes: nodes).stop()
            throw error
        }
    }

    private func load(_ servers: Servers, _ folder: TemporaryDirectory, _ chance: UInt64) async throws -> Try
    {
        let client = RedisClient(
            servers.stock.endpoint, limits: .init(connect: .seconds(2), command: .seconds(5)))
        let shelf = ProductStock(client, layout: strategy.traits.stockLayout)
        let epoch = StockEpoch(origin: "fault-lab", number: 1)
        guard try await shelf.initialise(Worker.product, units: Self.stock, as: epoch) else {
            throw LabProcessError(.noResource, "a new Redis has a stock already")
        }
        let workers = try await start(servers, folder)
        var random = Chance(state: chance)
        let strike = Duration.milliseconds(Int.random(in: Self.strikes, using: &random))
        try await Task.sleep(for: strike)
        let victim = workers[Int.random(in: 0..<workers.count, using: &random)]
        let struck = Worker.now
        try await inflict(servers, victim)
        let healed = Worker.now
        for worker in workers where await worker.waitUntilExit(within: .seconds(20)) == nil {
            await worker.killNow()
        }
        // A quiet moment: what was under way has come to its end.
        try await Task.sleep(for: .milliseconds(300))
        let history = try await history(workers.count, folder, shelf)
        await client.close()
        return Self.judged(history, struck: struck, healed: healed)
    }

    private func start(_ servers: Servers, _ folder: TemporaryDirectory) async throws -> [ChildProcess] {
        var workers: [ChildProcess] = []
        for number in 0..<Self.workers {
            let plan = WorkerPlan(
                output: folder.file("worker-\(number)"), strategy: strategy.name, stock: servers.stock.url,
                lockNodes: servers.nodes.map(\.url), buyers: Self.buyers,
                milliseconds: Int(Self.length / .milliseconds(1)),
                leaseMilliseconds: Int(Self.lease / .milliseconds(1)), patienceMilliseconds: 1_000,
                slowMilliseconds: fault == .slowHolder ? Int(Self.lease * 2 / .milliseconds(1)) : 0)
            let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
            workers.append(try await ChildProcess.start(program, ["fault-worker", text]))
        }
        return workers
    }

    /// Breaks something, and heals it.
    private func inflict(_ servers: Servers, _ victim: ChildProcess) async throws {
        switch fault {
        case .none, .slowHolder: try await Task.sleep(for: Self.lasts)
        case .pauseBuyer:
            victim.signal(SIGSTOP)
            try await Task.sleep(for: Self.lasts)
            victim.signal(SIGCONT)
        case .killBuyer:
            await victim.killNow()
            try await Task.sleep(for: Self.lasts)
        case .pauseRedis:
            servers.stock.pause()
            try await Task.sleep(for: Self.lasts)
            servers.stock.resume()
        case .killRedisAOF:
            await servers.stock.kill()
            try await Task.sleep(for: Self.lasts)
            try await servers.stock.restart()
        case .scriptFlush:
            let client = RedisClient(
                servers.stock.endpoint, limits: .init(connect: .seconds(2), command: .seconds(5)))
            _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
            await client.close()
            try await Task.sleep(for: Self.lasts)
        }
    }

    private func history(
        _ count: Int, _ folder: TemporaryDirectory, _ shelf: ProductStock<RedisClient>
    ) async throws -> History {
        var operations: [History.Operation] = []
        for number in 0..<count {
            let text = try String(contentsOfFile: folder.file("worker-\(number)"), encoding: .utf8)
            let lines = text.split(separator: "\n").compactMap { WorkerLine($0) }
            operations += History.Operation.all(lines, process: number, first: operations.count)
        }
        let snapshot = try await shelf.snapshot(Worker.product)
        return History(
            initialStock: Self.stock, operations: operations,
            end: .init(read: Worker.now, stock: snapshot.units, open: snapshot.open.values.reduce(0, +)))
    }

    private static func judged(_ history: History, struck: Int64, healed: Int64) -> Try {
        let answers = history.operations.filter { $0.outcome == .ok }.compactMap(\.answered)
        let first = history.operations.map(\.invoked).min() ?? struck
        let last = max(answers.max() ?? healed, healed + 1)
        func rate(_ from: Int64, _ until: Int64) -> Double {
            until > from ? Double(answers.count { $0 >= from && $0 < until }) * 1e9 / Double(until - from) : 0
        }
        return Try(
            history: history, report: Auditor.judge(history), before: rate(first, struck),
            during: rate(struck, healed), after: rate(healed, last))
    }
}

/// SplitMix64: the same seed strikes at the same moment and the same worker.
private struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
