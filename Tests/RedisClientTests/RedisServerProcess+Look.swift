import Dispatch
import LabProcesses
import NIOCore
import NIOPosix

@testable import RedisClient

/// Looks at a server, and meddles, over a connection of its own that is closed again.
extension RedisServerProcess {
    @discardableResult
    func command(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(60), command: .seconds(60)))
        let result: Result<RESPValue, RedisError>
        do throws(RedisError) {
            result = .success(try await client.send(command))
        } catch {
            result = .failure(error)
        }
        await client.close()
        return try result.get()
    }

    /// Connections that send commands, without the one that asks.
    func normalClients() async throws -> Int {
        try await clients("normal") - 1
    }

    /// Connections that listen.
    func listeningClients() async throws -> Int {
        try await clients("pubsub")
    }

    private func clients(_ type: String) async throws -> Int {
        let list = try await command(RedisCommand("CLIENT", "LIST", "TYPE", type)).string ?? ""
        return list.split(separator: "\n").count
    }

    /// A connection for places that cannot wait by `await`.
    func connection() async throws(RedisError) -> RedisConnection {
        let limits = RedisClient.Limits(connect: .seconds(60), command: .seconds(60))
        return try await Dialer(
            endpoint, limits: limits, runs: nil, group: MultiThreadedEventLoopGroup.singleton
        )
        .connect(to: endpoint.address)
    }
}

extension RedisConnection {
    /// Sends a command; it is done when this returns. Blocks the thread, but not the pool's work on which
    /// the command depends: that runs on an event loop.
    func sendAndBlock(_ command: RedisCommand) {
        let done = DispatchSemaphore(value: 0)
        enqueue(PendingCommand([command], deadline: .distantFuture) { _ in done.signal() })
        done.wait()
    }
}
