import BenchAudit
import BenchLoad
import BenchModel
import Foundation
import LockStrategies

/// Several lab-server processes on one ledger and one Redis, over which the users are spread.
struct ServerGroup: Sendable {
    private let servers: [ServerProcess]

    /// Starts them one after the other, with one token secret.
    static func start(
        _ count: Int, _ binary: String, _ plan: RunPlan, _ strategy: StrategyEntry, redis: [String],
        _ database: LedgerPlace
    ) async throws -> ServerGroup {
        let secret = UUID().uuidString + UUID().uuidString
        var servers: [ServerProcess] = []
        do {
            for _ in 0..<count {
                servers.append(
                    try await ServerProcess.start(
                        binary, strategy: strategy, redis: redis, database: database,
                        purchaseDeadline: plan.purchaseDeadline, bcryptCost: plan.bcryptCost,
                        variables: ["LAB_JWT_SECRET": secret]))
            }
        } catch {
            for server in servers { _ = await server.stop() }
            throw error
        }
        return ServerGroup(servers: servers)
    }
}

extension ServerGroup: TrialService {
    var processIdentifiers: [Int32] { servers.flatMap(\.processIdentifiers) }

    /// They are started alike.
    var shownArguments: [String]? { servers.first?.shownArguments }

    var linesWritten: Int? { servers.compactMap(\.linesWritten).reduce(0, +) }

    func figures() async -> ServerFigures? { await .sum(of: servers) }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        try await Shop.open(servers[0].target, order, prefix: "buyer-")
            .openShop(at: servers.map(\.target), order)
    }

    func stop() async -> ServiceEnd {
        var ends: [ServiceEnd] = []
        for server in servers { ends.append(await server.stop()) }
        return ends.first { !$0.isGood } ?? ends[0]
    }
}
