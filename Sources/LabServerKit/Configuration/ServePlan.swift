import InventoryService
import LockStrategies
import Logging
import RedisClient

/// The settings of `serve`, checked: nothing in here can be wrong in itself.
struct ServePlan: Sendable {
    enum RedisSource: Sendable, Hashable {
        /// A redis-server child of this process.
        case embedded
        case servers(stock: RedisEndpoint, lockNodes: [RedisEndpoint])
    }

    enum SecretSource: Sendable, Hashable {
        case given(Secret)
        /// Ends with the process, and all tokens with it; development only.
        case random
    }

    /// What another ledger left in Redis is replaced: an embedded Redis stands beside its ledger and belongs
    /// to it, and one that is taken over belongs to it from then on.
    var ownsRedis: Bool { adoptsRedis || redis == .embedded }

    let host: String
    let port: Int
    let redis: RedisSource
    let redisLimits: RedisServers.Limits
    /// A Redis that holds the stock of another ledger is taken over.
    let adoptsRedis: Bool
    let database: DatabaseAddress
    let settings: ServiceSettings
    let bcryptCost: Int
    /// Passwords that may wait to be hashed.
    let passwordQueue: Int
    let secret: SecretSource
    let tokenLifetime: Duration
    let authLimits: AuthLimiter.Settings
    let logLevel: Logger.Level
    let logFormat: LogFormat
    let logOutput: LogOutput
    let front: FrontSettings
    /// Nil: no page for Prometheus.
    let metricsPort: Int?
    let metricsHost: String
    /// Products whose stock the page shows.
    let metricsProducts: Int
    let ledger: LedgerSettings
    /// Nil: HTTP without TLS.
    let tls: TLSFiles?
    let drainDelay: Duration
    let drainTimeout: Duration
    /// Between comparisons of stock and ledger; nil: only when needed.
    let reconcileInterval: Duration?
    let crashPoints: CrashPoints

    /// - Parameters:
    ///   - registry: The strategies that may be named.
    ///   - crashAt: The text of LAB_CRASH_AT.
    /// - Throws: ``StartFailure`` with all that is wrong, at once.
    init(
        _ values: SettingValues, from registry: StrategyRegistry = .builtIn, crashAt: String? = nil
    ) throws(StartFailure) {
        var reading = SettingReader(values)
        try self.init(values, from: registry, crashAt: crashAt, by: &reading)
    }

    /// - Parameter reading: Afterwards it has the values in effect, also when this throws.
    init(
        _ values: SettingValues, from registry: StrategyRegistry = .builtIn, crashAt: String? = nil,
        by reading: inout SettingReader
    ) throws(StartFailure) {
        let isDevelopment = reading.flag(.dev)
        host = reading.text(.host)
        port = reading.number(.port, 0...65_535)
        settings = ServiceSettings(
            strategy: reading.choice(.strategy, registry.entries, named: \.name, standard: .luaAtomic),
            patience: .milliseconds(reading.number(.purchaseDeadline, 1...600_000)),
            perUserLimit: reading.isGiven(.perUserLimit)
                ? reading.number(.perUserLimit, 1...Bounds.units) : nil)
        logLevel = reading.choice(.logLevel, Logger.Level.allCases, standard: .notice)
        database = Self.database(&reading)
        let leastCost = isDevelopment ? 4 : 10
        bcryptCost = reading.number(
            .bcryptCost, leastCost...16, standard: isDevelopment ? 10 : PasswordHasher.defaultCost,
            advice: isDevelopment ? "" : " (below 10 only with --dev)")
        passwordQueue = reading.number(.passwordQueue, 1...10_000)
        tokenLifetime = .seconds(reading.number(.tokenLifetime, 60...86_400))
        let requests = reading.number(.authRequests, 0...1_000_000, standard: isDevelopment ? 0 : 120)
        let guesses = reading.number(.authGuesses, 0...1_000_000, standard: isDevelopment ? 0 : 10)
        authLimits = AuthLimiter.Settings(
            requestsPerMinute: requests == 0 ? nil : requests, guessesPerMinute: guesses == 0 ? nil : guesses)
        logFormat = reading.choice(.logFormat, LogFormat.allCases, standard: isDevelopment ? .text : .json)
        logOutput = reading.choice(.logOutput, LogOutput.allCases, standard: .standardError)
        redisLimits = RedisServers.Limits(
            stock: .milliseconds(reading.number(.redisTimeout, 1...600_000)),
            lockNode: .milliseconds(reading.number(.lockNodeTimeout, 1...600_000)))
        adoptsRedis = reading.flag(.adoptRedis)
        ledger = LedgerSettings(
            batch: reading.number(.ledgerBatch, 1...10_000),
            queue: reading.number(.ledgerQueue, 1...1_000_000),
            patience: .milliseconds(reading.number(.ledgerPatience, 1...600_000)))
        let longest = settings.patience + redisLimits.stock + ledger.patience
        front = Self.front(
            &reading, longestPurchase: longest, isEncrypted: values.text(.tlsCertificate) != nil)
        metricsPort = reading.isGiven(.metricsPort) ? reading.number(.metricsPort, 0...65_535) : nil
        metricsHost = reading.text(.metricsHost)
        metricsProducts = reading.number(.metricsProducts, 0...1000)
        tls = Self.tls(&reading, values)
        drainDelay = .milliseconds(
            reading.number(.drainDelay, 0...600_000, standard: isDevelopment ? 0 : 5000))
        drainTimeout = .milliseconds(reading.number(.drainTimeout, 1...600_000))
        let interval = reading.number(.reconcileInterval, 0...86_400)
        reconcileInterval = interval == 0 ? nil : .seconds(interval)
        crashPoints = Self.crashPoints(&reading, crashAt)
        Self.checkLockNodes(&reading, settings, redisLimits)
        redis = Self.redis(&reading)
        Self.checkRedis(of: database, redis, &reading)
        if let problem = settings.strategy.problem(on: database) { reading.add("--strategy \(problem)") }
        guard reading.problems.isEmpty else {
            throw StartFailure(.usage, reading.problems.joined(separator: "; "))
        }
        if let problem = values.secretProblem { throw StartFailure(.unsafeSecret, problem) }
        secret = try Self.secretSource(values.text(.jwtSecret), isDevelopment: isDevelopment)
    }

    private static func database(_ reading: inout SettingReader) -> DatabaseAddress {
        let password = reading.secret(.databasePassword)
        return reading.convert(.database, standard: .sqlite(path: "")) { text throws(StartFailure) in
            try DatabaseAddress(parsing: text, password: password)
        }
    }

    /// A Redis of its own is of no use to a server that shares its ledger.
    private static func checkRedis(
        of database: DatabaseAddress, _ redis: RedisSource, _ reading: inout SettingReader
    ) {
        guard case .postgres = database, redis == .embedded, !reading.isGiven(.redis) else { return }
        reading.add(
            "--database \(database) needs --redis: servers that share a ledger share the stock in one Redis")
    }

    private static func crashPoints(_ reading: inout SettingReader, _ crashAt: String?) -> CrashPoints {
        do throws(InventoryError) {
            return try crashAt.map { text throws(InventoryError) in try Self.crashPoints(text) } ?? .none
        } catch {
            reading.add(error.context)
            return .none
        }
    }

    private static func checkLockNodes(
        _ reading: inout SettingReader, _ settings: ServiceSettings, _ limits: RedisServers.Limits
    ) {
        let lease = settings.policies.leaseTimeToLive
        guard settings.strategy.needsLockNodes, limits.lockNode * 2 >= lease else { return }
        reading.add(
            "--lock-node-timeout-ms must be below \(Int(lease / .milliseconds(2))), half of a lock's time to "
                + "live: waiting for a node uses it up")
    }

    private static func redis(_ reading: inout SettingReader) -> RedisSource {
        let allowsPlaintext = reading.flag(.allowPlaintextRedis)
        return reading.convert(.redis, standard: .embedded) { text throws(StartFailure) in
            let endpoints: [RedisEndpoint]
            do throws(RedisURLError) { endpoints = try RedisEndpoint.list(parsing: text) } catch {
                throw StartFailure(.usage, error.description)
            }
            if !allowsPlaintext, let problem = PlaintextRedis.problem(endpoints) {
                throw StartFailure(.usage, problem)
            }
            return .servers(stock: endpoints[0], lockNodes: Array(endpoints.dropFirst()))
        }
    }

    private static func tls(_ reading: inout SettingReader, _ values: SettingValues) -> TLSFiles? {
        guard values.text(.tlsCertificate) != nil || values.text(.tlsPrivateKey) != nil else { return nil }
        return TLSFiles(
            certificate: reading.text(.tlsCertificate), privateKey: reading.text(.tlsPrivateKey))
    }

    private static func front(
        _ reading: inout SettingReader, longestPurchase: Duration, isEncrypted: Bool
    ) -> FrontSettings {
        func time(_ setting: Setting, standard: Duration = .zero) -> Duration {
            let standard = Int(standard / .milliseconds(1))
            return .milliseconds(reading.number(setting, 1...3_600_000, standard: standard))
        }
        var front = FrontSettings()
        front.isEncrypted = isEncrypted
        front.connection.head = time(.headTimeout)
        front.connection.body = time(.bodyTimeout)
        // A buyer who waits for lock, Redis and ledger as long as allowed still gets the answer.
        front.connection.total = time(.requestTimeout, standard: .seconds(60) + longestPurchase)
        if front.connection.total < longestPurchase {
            reading.add(
                "--request-timeout-ms must be at least \(Int(longestPurchase / .milliseconds(1))), which a purchase may take: "
                    + "--purchase-deadline-ms, --redis-timeout-ms and --ledger-patience-ms together")
        }
        front.connection.idle = time(.idleTimeout)
        front.connections = reading.number(.maxConnections, 1...1_000_000)
        front.inFlight = reading.number(.maxInFlight, 1...1_000_000)
        front.inFlightPerRoute = reading.number(.maxInFlightPerRoute, 1...1_000_000)
        front.proxies = reading.convert(.trustedProxies, standard: .none) { text throws(StartFailure) in
            try TrustedProxies(parsing: text)
        }
        front.origins = reading.convert(.corsOrigins, standard: []) { text throws(StartFailure) in
            try origins(text)
        }
        return front
    }

    /// Scheme, host and port as browsers write them; neither `*` nor `null`, which anybody can be.
    private static func origins(_ text: String) throws(StartFailure) -> Set<String> {
        var origins: Set<String> = []
        for part in text.split(separator: ",") {
            let origin = String(part)
            let host = origin.split(separator: "/", omittingEmptySubsequences: false)
            guard host.count == 3, host[0] == "https:" || host[0] == "http:", host[1].isEmpty,
                !host[2].isEmpty,
                !host[2].contains("*"), !host[2].contains("@"), origin == origin.lowercased()
            else {
                throw StartFailure(
                    .usage, "must be scheme://host or scheme://host:port in small letters, not \(origin)")
            }
            origins.insert(origin)
        }
        return origins
    }

    static func crashPoints(_ text: String) throws(InventoryError) -> CrashPoints {
        #if DEBUG
            return try CrashPoints(text)
        #else
            throw InventoryError(
                .unsafeConfiguration,
                "LAB_CRASH_AT works in a debug build only; unset it, or build with swift build")
        #endif
    }

    private static func secretSource(
        _ text: String?, isDevelopment: Bool
    ) throws(StartFailure) -> SecretSource {
        guard let text, !text.isEmpty else {
            if isDevelopment { return .random }
            throw StartFailure(
                .unsafeSecret,
                "no token secret: set LAB_JWT_SECRET or --jwt-secret-file to at least "
                    + "\(AccessTokens.leastSecretBytes) random bytes (openssl rand -base64 32), or use --dev")
        }
        let bytes = text.utf8.count
        guard bytes >= AccessTokens.leastSecretBytes else {
            throw StartFailure(
                .unsafeSecret,
                "the token secret has \(bytes) bytes and needs at least \(AccessTokens.leastSecretBytes); "
                    + "make one with: openssl rand -base64 32")
        }
        guard isDevelopment || !isWellKnown(text) else {
            throw StartFailure(
                .unsafeSecret,
                "the token secret is one that examples use, so anybody can sign with it; make one with: "
                    + "openssl rand -base64 32")
        }
        return .given(Secret(text))
    }

    /// Words that stand in the secrets of examples and templates, and in no random text of this length.
    private static let wordsOfExamples = [
        "changeme", "yoursecret", "secretkey", "jwtsecret", "inproduction", "example", "default",
        "placeholder",
    ]

    private static func isWellKnown(_ secret: String) -> Bool {
        let letters = String(secret.lowercased().filter { $0.isLetter || $0.isNumber })
        return Set(secret).count < 8 || wordsOfExamples.contains { letters.contains($0) }
    }
}

extension StrategyEntry {
    /// What is wrong with this strategy on this ledger; nil: nothing.
    func problem(on database: DatabaseAddress) -> String? {
        // Without a path the address could not be read, and that is said already.
        guard needsPostgres, case .sqlite(let path) = database, !path.isEmpty else { return nil }
        return
            "\(self) takes its lock in PostgreSQL: give --database postgres://HOST/NAME, or another strategy"
    }
}
