import RedisClient

/// Runs clean-up that must happen although the caller's task was cancelled, and although Redis is left alone because it
/// does not answer: what is to be taken back may still be carried out there.
///
/// The operation is not cancelled with the caller, and the caller waits for it, so nothing outlives the
/// call. It is bounded because every Redis command is: `operation` sends commands, and nothing else.
func uncancelled<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value {
    await Task { await RedisClient.finishing(operation) }.value
}
