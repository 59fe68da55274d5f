import BenchLoad
import BenchModel
import BenchRun
import FaultInjection
import Foundation
import LabProcesses
import LockStrategies
import Synchronization

/// The `lab-server` of a try, which can be struck and comes back at the same address.
final class FaultedServer: Sendable {
    /// What is on sale, and who buys.
    struct Shop: Sendable {
        let product: Int64
        let tokens: [String]
        /// Units that one purchase may have.
        let most: Int
    }

    private let program: String
    private let strategy: StrategyEntry
    private let redis: [String]
    private let folder: String
    /// Of its tokens: they count after it was started again.
    private let secret = UUID().uuidString + UUID().uuidString
    private let disk = Mutex<DiskShim?>(nil)
    private let running = Mutex<ServerProcess?>(nil)

    init(program: String, strategy: StrategyEntry, redis: [String], folder: String) {
        self.program = program
        self.strategy = strategy
        self.redis = redis
        self.folder = folder
    }

    var database: String { "\(folder)/lab.sqlite" }

    /// Where it listens, before and after it was started again.
    var target: LoadTarget {
        running.withLock { $0?.target } ?? LoadTarget(host: "127.0.0.1", port: 1)
    }

    /// Its files are on a disk that can lose its power and be full.
    func useDisk() async throws {
        let shim = try await DiskShim.build(folder: folder)
        disk.withLock { $0 = shim }
    }

    /// From now on its disk says that it synced, and does not.
    func lie() throws { try disk.withLock(\.self)?.lie() }

    func start() async throws {
        let port = running.withLock { $0?.target.port }
        var variables = disk.withLock { $0?.variables } ?? [:]
        variables["LAB_JWT_SECRET"] = secret
        let started = try await ServerProcess.start(
            program, strategy: strategy, redis: redis, database: database, purchaseDeadline: .seconds(2),
            bcryptCost: 4, port: port ?? 0, more: ["--reconcile-interval-s", "0", "--log-level", "error"],
            variables: variables)
        running.withLock { $0 = started }
    }

    func openShop(users: Int, stock: Int) async throws -> Shop {
        let shop = try await BenchRun.Shop.open(
            target, ShopOrder(users: users, stock: stock), prefix: "buyer-")
        return Shop(product: shop.products[0], tokens: shop.tokens, most: stock)
    }

    /// Asks it to end.
    ///
    /// - Throws: When it has died before, or ends badly: such a server shows nothing.
    func stop() async throws {
        guard let server = running.withLock(\.self) else { return }
        let end = await server.stop()
        guard end.isGood else {
            throw LabProcessError(
                .endedEarly, "lab-server \(end.description) after the fault", output: server.process.lines())
        }
    }

    /// Ends it, whatever state it is in; a second call does nothing.
    func end() async {
        guard let server = running.withLock(\.self) else { return }
        server.process.signal(SIGCONT)
        await server.process.killNow()
    }
}

extension FaultedServer: FaultVictims {
    var count: Int { 1 }

    func pause(_ number: Int) { running.withLock(\.self)?.process.signal(SIGSTOP) }

    func resume(_ number: Int) { running.withLock(\.self)?.process.signal(SIGCONT) }

    func kill(_ number: Int) async { await running.withLock(\.self)?.process.killNow() }

    func losePower(_ number: Int) async throws { try disk.withLock(\.self)?.cutPower() }

    func start(_ number: Int) async throws { try await start() }

    func setRoom(_ bytes: Int64?) throws { try disk.withLock(\.self)?.setRoom(bytes) }
}
