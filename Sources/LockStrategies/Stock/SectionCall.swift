import RedisClient

/// A script of the stock's section with its keys and arguments: to be sent alone, or in one step with a
/// script of the lock.
package struct SectionCall: Sendable, Hashable {
    let script: RedisScript
    let keys: [String]
    let arguments: [String]
}

extension RedisPort {
    /// Sends it alone.
    func run(_ call: SectionCall, _ evidence: inout Evidence) async throws(RedisError) -> RESPValue {
        try await run(call.script, keys: call.keys, arguments: call.arguments, &evidence)
    }
}
