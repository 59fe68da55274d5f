public import RedisClient

/// One command over a connection of its own, which is closed again.
public enum OneCommand: Sendable {
    public static func send(_ command: RedisCommand, port: Int) async throws(RedisError) -> RESPValue {
        try await send(command, to: RedisEndpoint(.tcp(host: "127.0.0.1", port: port)))
    }

    public static func send(
        _ command: RedisCommand, to endpoint: RedisEndpoint
    ) async throws(RedisError) -> RESPValue {
        let client = RedisClient(
            endpoint, limits: .init(connect: .seconds(60), command: .seconds(60)))
        let result: Result<RESPValue, RedisError>
        do throws(RedisError) {
            result = .success(try await client.send(command))
        } catch {
            result = .failure(error)
        }
        await client.close()
        return try result.get()
    }
}
