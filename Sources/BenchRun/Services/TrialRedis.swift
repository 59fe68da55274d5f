package import BenchModel
import FaultInjection
import LabProcesses
import LockStrategies
package import RedisClient

/// The Redis servers of one trial.
struct TrialRedis: Sendable {
    /// Independent servers that hold Redlock's locks.
    static let lockNodeCount = 5

    /// The fault that will strike these servers, if any, is set up with them.
    let stage: FaultStage?
    private let origin: RedisEndpoint
    /// After a failover it is another one.
    var stock: RedisEndpoint { stage?.stockEndpoint ?? origin }
    /// For the server's command line: the stock's URL first, then the lock nodes.
    let urls: [String]
    /// Where the locks of a quorum are.
    let lockNodes: [RedisEndpoint]
    /// Ours, to be stopped.
    private let servers: [RedisServerProcess]

    /// Starts what the strategy needs, or takes the Redis that the user named.
    ///
    /// - Parameter postgres: The ledger's, for a fault that strikes it.
    static func start(
        _ plan: RunPlan, _ strategy: StrategyEntry, postgres: PostgresServerProcess? = nil
    ) async throws -> TrialRedis {
        if let strike = plan.strike, !strategy.isNegativeControl {
            return try await staged(strike.fault, strategy, postgres)
        }
        var servers: [RedisServerProcess] = []
        do {
            if plan.redis == nil {
                servers.append(
                    try await RedisServerProcess.start(stockOptions(plan.strike?.fault)))
            }
            for _ in 0..<(strategy.needsLockNodes ? lockNodeCount : 0) {
                servers.append(try await RedisServerProcess.start(RedisServerOptions()))
            }
        } catch {
            for server in servers { await server.stop() }
            throw BenchError(.unreachable, error.description)
        }
        if let redis = plan.redis, let url = plan.redisURL {
            do {
                try await ExternalRedis.empty(redis)
            } catch {
                for server in servers { await server.stop() }
                throw error
            }
            return TrialRedis(
                stage: nil, origin: redis, urls: [url.revealed] + servers.map(\.url),
                lockNodes: servers.map(\.endpoint), servers: servers)
        }
        return TrialRedis(
            stage: nil, origin: servers[0].endpoint, urls: servers.map(\.url),
            lockNodes: servers.dropFirst().map(\.endpoint), servers: servers)
    }

    private static func staged(
        _ fault: Fault, _ strategy: StrategyEntry, _ postgres: PostgresServerProcess?
    ) async throws -> TrialRedis {
        do {
            let stage = try await FaultStage.open(
                fault, needsNodes: strategy.needsLockNodes, usual: usualPersistence, postgres: postgres)
            return TrialRedis(
                stage: stage, origin: stage.stock.endpoint, urls: stage.urls,
                lockNodes: stage.nodes.map(\.endpoint), servers: [stage.stock] + stage.nodes)
        } catch {
            throw BenchError(.unreachable, (error as? LabProcessError)?.description ?? "\(error)")
        }
    }

    private static let usualPersistence = RedisServerOptions.Persistence.aofEverySecond

    /// All trials of a run have the same, those too in which nothing is broken.
    private static func stockOptions(_ fault: Fault?) -> RedisServerOptions {
        RedisServerOptions(persistence: fault?.persistence(usualPersistence) ?? usualPersistence)
    }

    /// The numbers of our `redis-server` processes.
    var processIdentifiers: [Int32] { servers.map(\.processIdentifier) }

    func stop() async {
        await stage?.close()
        for server in servers { await server.stop() }
    }
}

/// The Redis server that the user named by `--redis`.
package enum ExternalRedis {
    /// Only a server that answers, with a database that holds nothing, is used: trials flush it.
    package static func check(_ endpoint: RedisEndpoint) async throws(BenchError) {
        let size = try await send(endpoint, RedisCommand("DBSIZE"))
        guard let keys = size.integer else {
            throw BenchError(.unreachable, "\(endpoint) does not answer DBSIZE like Redis")
        }
        guard keys == 0 else {
            throw BenchError(
                .unreachable,
                "the database at \(endpoint) holds \(keys) keys; the bench empties the database that it "
                    + "uses, so it takes an empty one only: name another one, as in "
                    + "redis://127.0.0.1:6379/9")
        }
    }

    /// Removes what the trial before left.
    package static func empty(_ endpoint: RedisEndpoint) async throws(BenchError) {
        _ = try await send(endpoint, RedisCommand("FLUSHDB"))
    }

    private static func send(
        _ endpoint: RedisEndpoint, _ command: RedisCommand
    ) async throws(BenchError) -> RESPValue {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(10), command: .seconds(60)))
        let result: Result<RESPValue, BenchError>
        do throws(RedisError) {
            result = .success(try await client.send(command))
        } catch {
            result = .failure(BenchError(.unreachable, "Redis at \(endpoint) cannot be used: \(error)"))
        }
        await client.close()
        return try result.get()
    }
}
