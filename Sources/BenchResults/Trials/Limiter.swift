package import BenchModel

/// What kept a strategy from selling more: named from where the processor time and the buyers' time went.
package struct Limiter: Sendable, Codable, Equatable {
    package enum Name: String, Sendable, Codable, CaseIterable {
        case generator
        case cores = "processor cores"
        case redis = "Redis"
        case lock = "waiting for the lock"
        case ledger = "SQLite"
        case sharedLedger = "PostgreSQL"
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
    ///   - ledger: What the ledger is on.
    ///   - isDirect: Generator and service share a process, so neither can be named alone.
    ///   - busiestRedis: Cores that one Redis server used; nil: there was one only.
    package init(
        cores: Int, ledger: LedgerEngine = .sqlite, isDirect: Bool, bench: Double?, server: Double?,
        redis: Double?, busiestRedis: Double? = nil, waitShare: Double?, sqlShare: Double?,
        loopLagMs: Double? = nil
    ) {
        (benchCores, serverCores, redisCores) = (bench, server, redis)
        self.loopLagMs = loopLagMs
        (self.waitShare, self.sqlShare) = (waitShare, sqlShare)
        let used = (bench ?? 0) + (server ?? 0) + (redis ?? 0)
        let candidates = Self.candidates(
            cores: cores, ledger: ledger == .postgres ? .sharedLedger : .ledger,
            generator: isDirect ? nil : bench, redis: busiestRedis ?? redis, used: used,
            waitShare: waitShare, sqlShare: sqlShare, loopLagMs: loopLagMs)
        guard let found = candidates.first(where: { $0.strain >= 1 }) else {
            name = .unknown
            evidence =
                "\(Self.text(used)) of \(cores) cores were used, and no part of a purchase stands out"
                + Self.rivals(candidates)
            return
        }
        name = found.name
        evidence = found.evidence + Self.rivals(candidates.filter { $0.name != found.name })
    }

    /// Something that may keep a strategy from selling more.
    private struct Candidate {
        let name: Name
        /// The figure by the one from which on it is named.
        let strain: Double
        let evidence: String
    }

    /// In the order in which they are named.
    private static func candidates(
        cores: Int, ledger: Name, generator: Double?, redis: Double?, used: Double, waitShare: Double?,
        sqlShare: Double?,
        loopLagMs: Double?
    ) -> [Candidate] {
        func candidate(_ name: Name, _ value: Double?, from limit: Double, _ evidence: (Double) -> String)
            -> Candidate?
        {
            value.map { Candidate(name: name, strain: $0 / limit, evidence: evidence($0)) }
        }
        let share = { (part: Double) in "\(Text.percent(part)) of the mean time of a purchase" }
        return [
            candidate(.generator, generator, from: mostOfGenerator) {
                "its one thread used \(text($0)) of a core"
            },
            candidate(.redis, redis, from: 0.85) {
                "its one thread was busy for \(Text.percent(min($0, 1))) of the time"
            },
            candidate(.lock, waitShare, from: 0.5, share),
            candidate(.cores, used, from: 0.85 * Double(cores)) { "\(text($0)) of \(cores) cores were used" },
            candidate(.eventLoops, loopLagMs, from: mostLoopLagMs) {
                "they came \(Text.number($0)) ms late to a timer on average"
            },
            candidate(ledger, sqlShare, from: 0.4, share),
        ].compactMap(\.self)
    }

    /// What comes within a tenth of being named too, so that a run beside it may name another one.
    private static func rivals(_ candidates: [Candidate]) -> String {
        let near = candidates.filter { $0.strain >= 0.9 }.map { "\($0.name.rawValue) (\($0.evidence))" }
        return near.isEmpty ? "" : "; as near: \(near.joined(separator: ", "))"
    }

    private static func text(_ cores: Double) -> String { Text.number(cores, digits: 2) }
}
