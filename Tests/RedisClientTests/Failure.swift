import RedisClient

/// How a call failed; nil when it did not.
func failure<Value>(_ call: () async throws(RedisError) -> Value) async -> RedisError? {
    do throws(RedisError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}
