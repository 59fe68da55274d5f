import LabProcesses
import LabTesting
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import Testing

@testable import LabServerKit

@Suite struct RedisLoopTests {
    @Test("All connections of a server to its Redis servers are on one event loop")
    func oneLoop() async throws {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server async throws in
            let redis = RedisServers(
                stock: server.endpoint, lockNodes: Array(repeating: server.endpoint, count: 6))
            let places = Mutex<[Bool]>([])
            for (number, client) in ([redis.stock] + redis.lockNodes).enumerated() {
                // Each client takes several loops in turn; so none of them falls on the same one by counting.
                for _ in 0..<number { _ = MultiThreadedEventLoopGroup.singleton.next() }
                let subscription = try await client.subscribe(to: "loop-\(number)") { _ in
                    places.withLock { $0.append(redis.eventLoop.inEventLoop) }
                }
                _ = try await client.send(RedisCommand("PUBLISH", "loop-\(number)", "here"))
                try await waitUntil { places.withLock(\.count) > number }
                await subscription.cancel()
            }
            #expect(places.withLock(\.self) == Array(repeating: true, count: 7))
            for client in [redis.stock] + redis.lockNodes { await client.close() }
        }
    }
}
