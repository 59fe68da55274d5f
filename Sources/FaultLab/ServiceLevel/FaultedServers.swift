import BenchLoad
import BenchModel
import BenchRun
import FaultInjection
import Foundation
import LabProcesses
import LockStrategies
import PostgresClient

/// The `lab-server`s of a try: ``StruckServers``, their ledger and their shop.
struct FaultedServers: Sendable {
    /// What is on sale, and who buys.
    struct Shop: Sendable {
        let product: Int64
        let tokens: [String]
        /// Units that one purchase may have.
        let most: Int
    }

    let struck: StruckServers
    /// Of one server.
    private let folder: String
    /// Of several.
    private let postgres: TrialPostgres?

    /// - Parameter postgres: Of several servers; nil: one server keeps its ledger in a file.
    init(
        _ count: Int, program: String, strategy: StrategyEntry, stage: FaultStage, folder: String,
        postgres: TrialPostgres?
    ) {
        (self.folder, self.postgres) = (folder, postgres)
        struck = StruckServers(count) { number, port, variables in
            let ledger = postgres?.place(port: stage.ledgerPort(ofServer: number))
            return try await ServerProcess.start(
                program, strategy: strategy, redis: stage.urls(ofServer: number),
                database: ledger ?? .sqlite(Self.database(in: folder)), purchaseDeadline: .seconds(2),
                bcryptCost: 4, port: port, more: ["--reconcile-interval-s", "0", "--log-level", "error"],
                variables: variables)
        }
    }

    private static func database(in folder: String) -> String { "\(folder)/lab.sqlite" }

    /// The file of one server.
    var database: String { Self.database(in: folder) }

    /// What the ledger says, whether servers run or not; nil when it cannot be read.
    func rows(product: Int64) async -> LedgerRows? {
        guard let postgres else { return LedgerRows.read(database, product: product) }
        return await LedgerRows.read(postgres: postgres.url, product: product)
    }

    /// Changes the ledger of several servers by a statement.
    func change(_ statement: String) async throws {
        guard let postgres else { return }
        let pool = PostgresPool(try PostgresEndpoint(parsing: postgres.url), .init(connections: 1))
        defer { pool.close() }
        _ = try await pool.run(PostgresStatement(nil, statement).with())
    }

    /// Where one of them listens, before and after it was started again.
    ///
    /// - Parameter turn: Counts through them, again and again.
    func target(_ turn: Int) -> LoadTarget {
        let targets = struck.targets
        return targets.isEmpty ? LoadTarget(host: "127.0.0.1", port: 1) : targets[turn % targets.count]
    }

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
            target(0), ShopOrder(users: users, stock: stock), prefix: "buyer-")
        return Shop(product: shop.products[0], tokens: shop.tokens, most: stock)
    }

    /// Asks them to end.
    ///
    /// - Throws: When one has died before by itself, or ends badly: such a server shows nothing.
    func stop() async throws {
        let end = await struck.stop()
        guard end.isGood else {
            throw LabProcessError(
                .endedEarly, "lab-server \(end.description) after the fault",
                output: struck.servers.flatMap { $0.process.lines() })
        }
    }

    /// Ends them, whatever state they are in; a second call does nothing.
    func end() async {
        for number in 0..<struck.count {
            struck.resume(number)
            await struck.kill(number)
        }
    }
}
