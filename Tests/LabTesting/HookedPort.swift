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
}
