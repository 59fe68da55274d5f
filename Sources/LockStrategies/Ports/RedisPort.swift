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

    /// Watches keys and reads in one round trip; then applies what `decide` says in another one, unless
    /// somebody changed a watched key in the meantime. Until the commit was sent, an error never is
    /// `.outcomeUnknown`.
    func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned>

    /// Listens to a channel until the subscription is cancelled. Returns once the server has confirmed it, so
    /// that whatever is published afterwards is delivered. `onEvent` must not block.
    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription

    /// Runs calls that finish what was begun: they are sent although the server is left alone because it does
    /// not answer. What was sent before it fell silent may still be carried out, and what takes it back has
    /// to stand behind it.
    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value
}

extension RedisClient: RedisPort {}
