public import RedisClient

/// All that a strategy may ask of Redis: so the same strategy code runs on a real server, on a scripted
/// one, and on a simulated one.
public protocol RedisPort: Sendable {
    /// Sends one command and waits for its reply, no longer than the port's time limit.
    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue

    /// Runs a script by its digest; sends its text once when the server does not know it.
    func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply
}

extension RedisClient: RedisPort {}
