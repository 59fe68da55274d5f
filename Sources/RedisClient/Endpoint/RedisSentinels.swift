/// The Sentinels that watch over a master, and its name among them.
public struct RedisSentinels: Sendable, Hashable {
    /// At least one; asked in this order.
    public let hosts: [RedisHost]
    /// The master's name in the configuration of the Sentinels.
    public let master: String
    /// Password of the Sentinels themselves, which is not the servers'.
    public let password: Secret?

    /// Each parameter is the property of that name.
    public init(hosts: [RedisHost], master: String, password: Secret? = nil) {
        self.hosts = hosts
        self.master = master
        self.password = password
    }
}
