public import LockStrategies
public import RedisClient

/// A Redis behind a hook that sees each call before it is sent and may hold it back.
public struct HookedPort<Base: RedisPort>: RedisPort {
    public typealias Hook = @Sendable (_ name: String) async -> Void

    private let base: Base
    private let hook: Hook

    /// - Parameter hook: Called with the command's name or the script's.
    public init(_ base: Base, before hook: @escaping Hook) {
        self.base = base
        self.hook = hook
    }

    public func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        await hook(command.name)
        return try await base.send(command)
    }

    public func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        await hook(script.name)
        return try await base.run(script, keys: keys, arguments: arguments)
    }

    /// The hook sees it once, as `WATCH`, before its first half.
    public func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        await hook("WATCH")
        return try await base.transaction(watching: keys, reading: reading, decide: decide)
    }

    public func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        await hook("SUBSCRIBE")
        return try await base.subscribe(to: channel, onEvent: onEvent)
    }

    public func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await base.finishing(calls)
    }
}
