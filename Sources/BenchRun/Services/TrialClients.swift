import EventLoopTasks
import LockStrategies
import NIOPosix
import RedisClient

/// The connections to Redis of a service in this process. All are on one event loop, where locks are held
/// too, as in lab-server.
struct TrialClients: Sendable {
    let stock: RedisClient
    let lockNodes: [LockNode<RedisClient>]
    /// Of the connections' event loop.
    let executor: LoopExecutor

    init(_ redis: TrialRedis) {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        stock = RedisClient(redis.stock, limits: .stockServer, watchesServers: true, group: eventLoop)
        lockNodes = redis.lockNodes.map {
            LockNode(name: $0.server, redis: RedisClient($0, limits: .lockNode, group: eventLoop))
        }
        executor = LoopExecutors.shared[eventLoop]
    }

    func close() async {
        for client in [stock] + lockNodes.map(\.redis) { await client.close() }
    }
}
