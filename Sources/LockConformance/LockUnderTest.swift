public import LockStrategies

/// A lock that is held to the clauses: its name, what it can do, and how a client of it is made.
///
/// Every clause starts Redis servers of its own and asks for clients on them. Two clients share nothing but
/// these servers: each is what a process of its own would have.
public struct LockUnderTest: Sendable {
    /// What a lock can do beside acquire and release. Claim only what is there: each one turns clauses on.
    public enum Ability: String, Sendable, Hashable, CaseIterable {
        /// A lease can be extended.
        case extend
        /// Each grant carries a number that rises.
        case fence
        /// It asks all of its servers, and a majority decides.
        case quorum
        /// A grant says how long its holder may rely on it; without it the holder can only count from the
        /// answer.
        case validity
        /// Each client is a process of its own, and gets ``LockSetting/environment``.
        case ownProcess = "own-process"
    }

    /// The name that findings and reports show.
    public let name: String
    /// What it can do: which clauses are about it.
    public let abilities: Set<Ability>
    let open: @Sendable (LockSetting) async throws -> LockClient

    /// - Parameters:
    ///   - name: As the report shows it.
    ///   - abilities: What it can do: which clauses are about it.
    ///   - open: Makes a client; what it throws makes the clause unknown.
    public init(
        _ name: String, abilities: Set<Ability> = [],
        open: @escaping @Sendable (LockSetting) async throws -> LockClient
    ) {
        self.name = name
        self.abilities = abilities
        self.open = open
    }
}

/// Where a client finds Redis, and with which variables its process is started.
public struct LockSetting: Sendable, Hashable {
    /// URLs, as `redis://127.0.0.1:6379`: one server, or several where the lock has the ability quorum.
    public let redis: [String]
    /// Variables beside those of this process, for a client that is a process of its own.
    public let environment: [String: String]

    /// - Parameters:
    ///   - redis: URLs, at least one.
    ///   - environment: Variables beside those of this process.
    public init(redis: [String], environment: [String: String] = [:]) {
        self.redis = redis
        self.environment = environment
    }
}

/// One client of a lock.
public struct LockClient: Sendable {
    /// The lock that this client asks.
    public let lock: any LeaseLock
    let close: @Sendable () async -> Void
    let kill: @Sendable () async -> Void

    /// - Parameters:
    ///   - lock: Asked by one clause, and by no other client.
    ///   - close: Ends the client in good order.
    ///   - kill: Ends it at once, as SIGKILL does; nil: as `close`.
    public init(
        _ lock: any LeaseLock, close: @escaping @Sendable () async -> Void = {},
        kill: (@Sendable () async -> Void)? = nil
    ) {
        self.lock = lock
        self.close = close
        self.kill = kill ?? close
    }
}
