package import BenchModel

/// Processor seconds of the three parties over a whole load, warm-up and drain included.
package struct LoadCost: Sendable, Equatable, Codable {
    /// In direct mode that of the service too: they share a process.
    @OrNull package var bench: Double?
    /// Null where there is no server.
    @OrNull package var server: Double?
    @OrNull package var redis: Double?
    /// Processor time of the busiest Redis server; each has one thread that executes commands.
    package var busiestRedis: Double?

    package init(bench: Double?, server: Double?, redis: Double?, busiestRedis: Double? = nil) {
        self.bench = bench
        self.server = server
        self.redis = redis
        self.busiestRedis = busiestRedis
    }
}
