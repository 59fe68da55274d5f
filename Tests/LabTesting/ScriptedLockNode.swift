import LockStrategies
import RedisClient
import Synchronization

/// A lock node in memory, in one of the states in which a lock may find it.
public final class ScriptedLockNode: Sendable {
    public enum Behaviour: Sendable, CaseIterable {
        case free
        case taken
        case dead
        /// Takes the command and never answers; the port's time limit then says "outcome unknown".
        case hanging
    }

    private let owners = Mutex<[String: String]>([:])
    private let behaviour: Behaviour

    public init(_ behaviour: Behaviour) {
        self.behaviour = behaviour
    }

    /// Tokens that the node holds, by key.
    public var keys: [String: String] { owners.withLock { $0 } }

    /// Loses all keys, as a node that keeps nothing does when it is started again.
    public func forget() { owners.withLock { $0 = [:] } }

    public var redis: ScriptedRedis {
        ScriptedRedis { [self] call throws(RedisError) in
            switch behaviour {
            case .dead:
                throw RedisError(.unavailable, "refused")
            case .hanging:
                // The write is applied, its reply never comes.
                if call.isAcquire || call.name == "EVAL" { _ = apply(call) }
                throw RedisError(.outcomeUnknown, "no reply within the time limit")
            case .taken:
                if case .command = call { return .null }
                return .integer(call.isAcquire ? 0 : -1)
            case .free:
                return apply(call)
            }
        }
    }

    private func apply(_ call: ScriptedRedis.Call) -> RESPValue {
        owners.withLock { owners in
            switch call {
            case .command(let words) where words[0] == "SET":
                guard owners[words[1]] == nil else { return .null }
                owners[words[1]] = words[2]
                return .simpleString("OK")
            case .command(let words) where words[0] == "EVAL":
                // EVAL text 1 key token...: the clean-up of a lock.
                if let owner = owners[words[3]], words[4...].contains(owner) { owners[words[3]] = nil }
                return .integer(1)
            case .script(_, let keys, let arguments) where call.isAcquire:
                guard owners[keys[0]] == nil else { return .integer(0) }
                owners[keys[0]] = arguments[0]
                return .integer(1)
            case .script(_, let keys, let arguments):
                guard let owner = owners[keys[0]] else { return .integer(0) }
                guard owner == arguments[0] else { return .integer(-1) }
                if call.name.hasPrefix("release-") { owners[keys[0]] = nil }
                if call.name.hasPrefix("hand-over-") { owners[keys[0]] = arguments[1] }
                return .integer(1)
            case .command:
                return .null
            }
        }
    }
}

extension ScriptedRedis.Call {
    /// Whether it asks for a lock.
    public var isAcquire: Bool { name == "SET" || name.hasPrefix("acquire-") }
}
