public import LockStrategies
public import RedisClient
import Synchronization

/// A Redis whose answers a test writes; it notes what it was asked.
public final class ScriptedRedis: RedisPort {
    public enum Call: Sendable, Hashable {
        case command([String])
        case script(name: String, keys: [String], arguments: [String])

        /// The command's name or the script's.
        public var name: String {
            switch self {
            case .command(let words): words[0]
            case .script(let name, _, _): name
            }
        }
    }

    public typealias Answer = @Sendable (Call) async throws(RedisError) -> RESPValue

    private let seen = Mutex<[Call]>([])
    private let answer: Answer

    public init(answer: @escaping Answer) {
        self.answer = answer
    }

    public var calls: [Call] { seen.withLock { $0 } }

    public func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        try await reply(to: .command(command.arguments))
    }

    public func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        let value = try await reply(to: .script(name: script.name, keys: keys, arguments: arguments))
        return RedisScriptReply(value: value, commandsSent: 1)
    }

    private func reply(to call: Call) async throws(RedisError) -> RESPValue {
        seen.withLock { $0.append(call) }
        return try await answer(call)
    }
}
