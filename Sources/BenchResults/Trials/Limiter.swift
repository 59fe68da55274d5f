package import BenchModel

/// What kept a strategy from selling more: named from where the processor time and the buyers' time went.
package struct Limiter: Sendable, Codable, Equatable {
    package enum Name: String, Sendable, Codable, CaseIterable {
        case generator
        case cores = "processor cores"
        case redis = "Redis"
        case lock = "waiting for the lock"
        case ledger = "SQLite"
        case eventLoops = "the server's event loops"
        case unknown = "not named"
    }

    package var name: Name
    /// Cores used on average; null could not be read.
    @OrNull package var benchCores: Double?
    @OrNull package var serverCores: Double?
    @OrNull package var redisCores: Double?
    /// Share of the mean time of a purchase.
    @OrNull package var waitShare: Double?
    @OrNull package var sqlShare: Double?
    /// What it is named by, in words.
    package var evidence: String?
    /// Processor time of server and Redis for each purchase answered 200; in direct mode of lab-bench, which
    /// runs the service, and Redis. Nil could not be read.
    package var cpuMsPerSuccess: Double?
    /// How late the server's event loops came to a timer, mean; nil could not be read.
    package var loopLagMs: Double?

    /// Above this the loops, not the cores, are what a request waits for.
    static let mostLoopLagMs = 5.0
    /// Share of one core: a generator that used so much of its thread could not have sent much more.
    static let mostOfGenerator = 0.9

    /// - Parameters:
    ///   - isDirect: Generator and service share a process, so neither can be named alone.
    ///   - busiestRedis: Cores that one Redis server used; nil: there was one only.
    package init(
        cores: Int, isDirect: Bool, bench: Double?, server: Double?, redis: Double?,
        busiestRedis: Double? = nil, waitShare: Double?, sqlShare: Double?, loopLagMs: Double? = nil
    ) {
        (benchCores, serverCores, redisCores) = (bench, server, redis)
        self.loopLagMs = loopLagMs
        (self.waitShare, self.sqlShare) = (waitShare, sqlShare)
        let used = (bench ?? 0) + (server ?? 0) + (redis ?? 0)
        let busy = busiestRedis ?? redis
        if !isDirect, let bench, bench >= Self.mostOfGenerator {
            name = .generator
            evidence = "its one thread used \(Self.text(bench)) of a core"
        } else if let busy, busy >= 0.85 {
            name = .redis
            evidence = "its one thread was busy for \(Text.percent(min(busy, 1))) of the time"
        } else if let waitShare, waitShare >= 0.5 {
            name = .lock
            evidence = "\(Text.percent(waitShare)) of the mean time of a purchase"
        } else if used >= 0.85 * Double(cores) {
            name = .cores
            evidence = "\(Self.text(used)) of \(cores) cores were used"
        } else if let loopLagMs, loopLagMs >= Self.mostLoopLagMs {
            name = .eventLoops
            evidence = "they came \(Text.number(loopLagMs)) ms late to a timer on average"
        } else if let sqlShare, sqlShare >= 0.4 {
            name = .ledger
            evidence = "\(Text.percent(sqlShare)) of the mean time of a purchase"
        } else {
            name = .unknown
            evidence = "\(Self.text(used)) of \(cores) cores were used, and no part of a purchase stands out"
        }
    }

    private static func text(_ cores: Double) -> String { Text.number(cores, digits: 2) }
}
