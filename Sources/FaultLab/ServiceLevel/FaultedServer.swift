import BenchLoad
import BenchModel
import BenchRun
import FaultInjection
import Foundation
import LabProcesses
import LockStrategies

/// The `lab-server` of a try: a ``StruckServer`` and its shop.
struct FaultedServer: Sendable {
    /// What is on sale, and who buys.
    struct Shop: Sendable {
        let product: Int64
        let tokens: [String]
        /// Units that one purchase may have.
        let most: Int
    }

    let struck: StruckServer
    private let folder: String

    init(program: String, strategy: StrategyEntry, redis: [String], folder: String) {
        self.folder = folder
        struck = StruckServer { port, variables in
            try await ServerProcess.start(
                program, strategy: strategy, redis: redis, database: .sqlite(Self.database(in: folder)),
                purchaseDeadline: .seconds(2), bcryptCost: 4, port: port,
                more: ["--reconcile-interval-s", "0", "--log-level", "error"], variables: variables)
        }
    }

    private static func database(in folder: String) -> String { "\(folder)/lab.sqlite" }

    var database: String { Self.database(in: folder) }

    /// Where it listens, before and after it was started again.
    var target: LoadTarget { struck.server?.target ?? LoadTarget(host: "127.0.0.1", port: 1) }

    /// Puts its files on a disk that can lose its power and be full.
    ///
    /// - Returns: The disk.
    func useDisk() async throws -> DiskShim {
        let shim = try await DiskShim.build(folder: folder)
        struck.use(shim)
        return shim
    }

    func start() async throws { try await struck.begin() }

    func openShop(users: Int, stock: Int) async throws -> Shop {
        let shop = try await BenchRun.Shop.open(
            target, ShopOrder(users: users, stock: stock), prefix: "buyer-")
        return Shop(product: shop.products[0], tokens: shop.tokens, most: stock)
    }

    /// Asks it to end.
    ///
    /// - Throws: When it has died before, or ends badly: such a server shows nothing.
    func stop() async throws {
        let end = await struck.stop()
        guard end.isGood else {
            throw LabProcessError(
                .endedEarly, "lab-server \(end.description) after the fault",
                output: struck.server?.process.lines() ?? [])
        }
    }

    /// Ends it, whatever state it is in; a second call does nothing.
    func end() async {
        struck.resume(0)
        await struck.kill(0)
    }
}
