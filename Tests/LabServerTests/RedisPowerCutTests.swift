import LabProcesses
import LabTesting
import RedisClient
import Testing

/// What Redis holds after a power cut, shown on a real server.
@Suite struct RedisPowerCutTests {
    @Test(
        "A cut in the tail of the append-only file takes acknowledged writes, and the server starts all the same"
    )
    func lostTail() async throws {
        let options = RedisServerOptions(listener: .unixSocket, persistence: .aofAlways)
        try await withRedisServer(options) { server async throws in
            let redis = RedisClient(server.endpoint, limits: .patient)
            for key in ["a", "b", "c"] {
                #expect(try await redis.send(RedisCommand("SET", key, "1")).string == "OK")
            }
            // A SET of one letter takes 27 bytes: the third goes, and a part of the second.
            try await server.cutPower(losing: 50)
            var left: [String] = []
            for key in ["a", "b", "c"] where try await redis.send(RedisCommand("GET", key)).string != nil {
                left.append(key)
            }
            #expect(left == ["a"])
            #expect(try await redis.send(RedisCommand("SET", "d", "1")).string == "OK")
            await redis.close()
        }
    }

    @Test("A server without an append-only file cannot be cut")
    func noFile() async throws {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server async throws -> Void in
            await #expect(throws: (any Error).self) { _ = try await server.cutPower(losing: 1) }
        }
    }
}
