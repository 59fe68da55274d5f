public import LockStrategies
import RedisClient

extension LockUnderTest {
    /// The lock inside a strategy, with its production clock; nil for a strategy that takes no lock.
    ///
    /// Each client has connections of its own. A command may take 1.5 s, and connecting 0.5 s.
    public init?(_ entry: StrategyEntry) {
        guard entry.traits.abilities.contains(.leases) else { return nil }
        var abilities: Set<Ability> = [.extend, .validity]
        if entry.traits.abilities.contains(.fencing) { abilities.insert(.fence) }
        if entry.needsLockNodes { abilities.insert(.quorum) }
        self.init(entry.name, abilities: abilities) { setting in
            let endpoints = try setting.redis.map { try RedisEndpoint(parsing: $0) }
            let limits = RedisClient.Limits(connect: .milliseconds(500), command: .milliseconds(1_500))
            let clients = endpoints.map { RedisClient($0, limits: limits) }
            let finishing = FinishingQueue()
            let nodes = zip(clients, setting.redis).map { LockNode(name: $1, redis: $0) }
            let lock = try StrategyBuilder(
                stock: clients[0], lockNodes: nodes, clock: ContinuousClock(), finishing: finishing
            ).lock(entry)
            guard let lock else {
                throw StrategyConfigurationError("\(entry) has the ability leases, and makes no lock")
            }
            return LockClient(lock) {
                await finishing.finish()
                for client in clients { await client.close() }
            }
        }
    }
}
