import Foundation
import HTTPTypes
import LabProcesses
import LockStrategies
import NIOCore
import NIOPosix
import RedisClient

/// The Redis servers that a lab-server uses: the stock's, the lock nodes, and those that it started itself.
struct RedisServers: Sendable {
    let stock: RedisClient
    let lockNodes: [RedisClient]
    /// Of all connections.
    let eventLoop: any EventLoop
    private let children: [RedisServerProcess]

    /// How long a server may take to connect, and to answer.
    struct Limits: Sendable, Hashable {
        var stock = RedisClient.Limits.stockServer.command
        var lockNode = RedisClient.Limits.lockNode.command
    }

    init(stock: RedisEndpoint, lockNodes: [RedisEndpoint], limits: Limits = Limits()) {
        self.init(stock: stock, lockNodes: lockNodes, limits: limits, children: [])
    }

    private init(
        stock: RedisEndpoint, lockNodes: [RedisEndpoint], limits: Limits, children: [RedisServerProcess]
    ) {
        var (forStock, forNodes) = (RedisClient.Limits.stockServer, RedisClient.Limits.lockNode)
        (forStock.connect, forStock.command) = (limits.stock, limits.stock)
        (forNodes.connect, forNodes.command) = (limits.lockNode, limits.lockNode)
        eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        self.stock = RedisClient(stock, limits: forStock, watchesServers: true, group: eventLoop)
        self.lockNodes = lockNodes.map { [forNodes, eventLoop] node in
            RedisClient(node, limits: forNodes, group: eventLoop)
        }
        self.children = children
    }

    /// Starts a redis-server for the stock, with an append-only file in `directory`, and one for each lock
    /// node, which keeps nothing.
    ///
    /// - Throws: ``StartFailure``; no process is left then.
    static func embedded(
        directory: String, lockNodes count: Int, limits: Limits
    ) async throws(StartFailure) -> RedisServers {
        let path = URL(fileURLWithPath: directory).path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StartFailure(.databaseUnusable, "cannot create \(path) for the embedded Redis")
        }
        var children: [RedisServerProcess] = []
        do throws(LabProcessError) {
            // A socket only this user can open; a long path does not fit into a socket's name.
            let fits = "\(path)/redis.sock".utf8.count <= 107
            let options = RedisServerOptions(
                listener: fits ? .unixSocket : .tcp(port: nil), persistence: .aofEverySecond)
            children.append(try await RedisServerProcess.start(options, directory: path))
            for _ in 0..<count {
                children.append(try await RedisServerProcess.start(RedisServerOptions(listener: .unixSocket)))
            }
        } catch {
            for child in children { await child.stop() }
            throw StartFailure(.redisUnreachable, "the embedded Redis did not start: \(error)")
        }
        return RedisServers(
            stock: children[0].endpoint, lockNodes: children.dropFirst().map(\.endpoint), limits: limits,
            children: children)
    }

    /// Asks the servers whether they can be used as they are named, by this strategy.
    func check(for strategy: StrategyEntry) async throws(StartFailure) {
        try await RedisStartCheck(
            stock: stock.endpoint, lockNodes: lockNodes.map(\.endpoint), strategy: strategy
        ).run()
    }

    /// Servers of each kind that are left alone now, because they did not answer.
    var leftAlone: [RedisMeter.Role: @Sendable () -> Int] {
        [
            .stock: { [stock] in stock.serversLeftAlone },
            .lockNode: { [lockNodes] in lockNodes.map(\.serversLeftAlone).reduce(0, +) },
        ]
    }

    /// A quorum of the lock nodes answers; nothing where there are none.
    var readinessChecks: [ReadinessCheck] {
        guard !lockNodes.isEmpty else { return [] }
        let nodes = lockNodes
        let check = ReadinessCheck(name: "lock-nodes") {
            let reachable = await withTaskGroup(of: Bool.self) { group in
                for node in nodes {
                    group.addTask { (try? await node.send(RedisCommand("PING"))) != nil }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            guard reachable > nodes.count / 2 else {
                throw Problem(status: .serviceUnavailable, detail: "\(reachable) of \(nodes.count) answer")
            }
        }
        return [check]
    }

    /// Closes the connections, then stops the servers that this process started.
    func close() async {
        for client in [stock] + lockNodes { await client.close() }
        for child in children { await child.stop() }
    }
}
