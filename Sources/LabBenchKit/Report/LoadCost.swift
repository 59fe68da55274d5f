/// Processor seconds of the three parties over a whole load, warm-up and drain included.
struct LoadCost: Sendable, Equatable, Codable {
    /// In direct mode that of the service too: they share a process.
    @OrNull var bench: Double?
    /// Null where there is no server.
    @OrNull var server: Double?
    @OrNull var redis: Double?
    /// Processor time of the busiest Redis server; each has one thread that executes commands.
    var busiestRedis: Double?
}
