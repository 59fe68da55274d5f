import ArgumentParser

/// The flags of `serve`, as typed. Each is also an environment variable: LAB_ and the name of the flag in
/// capitals, with underscores. Flags go first.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address to listen on. [LAB_HOST, default: 127.0.0.1]")
    var host: String?

    @Option(help: "Port to listen on; 0 picks a free one. [LAB_PORT, default: 8080]")
    var port: String?

    @Option(
        help: ArgumentHelp(
            "Redis URLs (redis, rediss, redis+unix, redis+sentinel, redis+cluster): the first holds the "
                + "stock, the others are the lock nodes of redlock. Without it the server starts a "
                + "redis-server of its own beside the database. [LAB_REDIS or LAB_REDIS_FILE]",
            valueName: "url,url…"))
    var redis: String?

    @Flag(
        help: ArgumentHelp(
            "Speak to Redis servers of other machines without TLS, or without a password. "
                + "[LAB_ALLOW_PLAINTEXT_REDIS]"))
    var allowPlaintextRedis = false

    @Flag(
        help: ArgumentHelp(
            "Take over a Redis that holds the stock of another ledger; that stock is lost. [LAB_ADOPT_REDIS]")
    )
    var adoptRedis = false

    @Option(
        name: .customLong("redis-timeout-ms"),
        help: ArgumentHelp(
            "How long the stock's Redis may take to connect, and to answer. After five calls in a row without a reply "
                + "it is left alone for up to a second, and purchases are refused at once. "
                + "[LAB_REDIS_TIMEOUT_MS, default: 1000]"))
    var redisTimeout: String?

    @Option(
        name: .customLong("lock-node-timeout-ms"),
        help: ArgumentHelp(
            "How long a lock node of redlock may take to connect, and to answer; waiting for it uses up the lock's "
                + "validity. "
                + "[LAB_LOCK_NODE_TIMEOUT_MS, default: 250]"))
    var lockNodeTimeout: String?

    @OptionGroup var ledger: LedgerOptions

    @Option(help: "How buyers are kept apart. [LAB_STRATEGY, default: lua-atomic]")
    var strategy: String?

    @Flag(
        help: ArgumentHelp(
            "For development: a random token secret when none is given, and cheap password hashes. [LAB_DEV]")
    )
    var dev = false

    @Option(
        help: "File that holds the token secret, at least 32 bytes. [LAB_JWT_SECRET_FILE, or LAB_JWT_SECRET]")
    var jwtSecretFile: String?

    @Option(
        name: .customLong("token-lifetime-s"),
        help: "How long an access token counts. [LAB_TOKEN_LIFETIME_S, default: 3600]")
    var tokenLifetime: String?

    @Option(
        help:
            "Rounds of bcrypt as a power of two, 10 to 16; with --dev from 4 on. [LAB_BCRYPT_COST, default: 12]"
    )
    var bcryptCost: String?

    @Option(
        help:
            "Passwords that may wait to be hashed; more are refused with 503. [LAB_PASSWORD_QUEUE, default: 32]"
    )
    var passwordQueue: String?

    @Option(
        name: .customLong("purchase-deadline-ms"),
        help: "How long a buyer waits for the lock. [LAB_PURCHASE_DEADLINE_MS, default: 5000]")
    var purchaseDeadline: String?

    @Option(
        help: ArgumentHelp(
            "Units of one product that one user may buy in all. [LAB_PER_USER_LIMIT, default: no limit]"))
    var perUserLimit: String?

    @Option(
        help: ArgumentHelp(
            "Requests to the auth routes from one address in a minute; 0 is no limit. "
                + "[LAB_AUTH_REQUESTS_PER_MINUTE, default: 120, with --dev 0]"))
    var authRequestsPerMinute: String?

    @Option(
        help: ArgumentHelp(
            "Wrong passwords for one account in a minute; 0 is no limit. "
                + "[LAB_AUTH_GUESSES_PER_MINUTE, default: 10, with --dev 0]"))
    var authGuessesPerMinute: String?

    @Option(
        help: "trace, debug, info, notice, warning, error or critical. [LAB_LOG_LEVEL, default: notice]")
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "json or text. [LAB_LOG_FORMAT, default: json, with --dev text]"))
    var logFormat: String?

    @Option(
        help: ArgumentHelp(
            "Where the log goes: stderr or stdout. On stdout the line about listening is a line of the log too. "
                + "[LAB_LOG_OUTPUT, default: stderr]"))
    var logOutput: String?

    @Option(
        help: ArgumentHelp(
            "Address of the page for Prometheus. [LAB_METRICS_HOST, default: 127.0.0.1]"))
    var metricsHost: String?

    @Option(
        help: ArgumentHelp(
            "Port of the page for Prometheus, /metrics; 0 picks a free one; without it there "
                + "is none. [LAB_METRICS_PORT]"))
    var metricsPort: String?

    @Option(
        name: .customLong("head-timeout-ms"),
        help: ArgumentHelp(
            "Time for the first request's headers. [LAB_HEAD_TIMEOUT_MS, default: 10000]"))
    var headTimeout: String?

    @Option(
        name: .customLong("body-timeout-ms"),
        help: ArgumentHelp(
            "Time for a request's body. [LAB_BODY_TIMEOUT_MS, default: 20000]"))
    var bodyTimeout: String?

    @Option(
        name: .customLong("request-timeout-ms"),
        help: ArgumentHelp(
            "Time from a request's headers to its answer. [LAB_REQUEST_TIMEOUT_MS, default: "
                + "60000 plus the longest time of a purchase]"))
    var requestTimeout: String?

    @Option(
        name: .customLong("idle-timeout-ms"),
        help: ArgumentHelp(
            "Time between an answer and the next request. [LAB_IDLE_TIMEOUT_MS, default: "
                + "60000]"))
    var idleTimeout: String?

    @Option(
        help: ArgumentHelp(
            "Connections at the same time; more wait. [LAB_MAX_CONNECTIONS, default: 20000]"))
    var maxConnections: String?

    @Option(
        help: ArgumentHelp(
            "Requests at the same time; more are refused with 503. [LAB_MAX_IN_FLIGHT, "
                + "default: 12000]"))
    var maxInFlight: String?

    @Option(
        help: ArgumentHelp(
            "Requests to one route at the same time, so that the others have room; more are refused with 503. "
                + "[LAB_MAX_IN_FLIGHT_PER_ROUTE, default: 10000]"))
    var maxInFlightPerRoute: String?

    @Option(
        help: ArgumentHelp(
            "Sites whose pages may call the API, such as https://shop.example. "
                + "[LAB_CORS_ORIGINS, default: none]"))
    var corsOrigins: String?

    @Option(
        help: ArgumentHelp(
            "Proxies, by address or network, whose X-Forwarded-For names the client that limits count. "
                + "[LAB_TRUSTED_PROXIES, default: none]", valueName: "address,network…"))
    var trustedProxies: String?

    @Option(
        name: .customLong("drain-delay-ms"),
        help: ArgumentHelp(
            "Time between SIGTERM, when readiness ends, and the end of listening. "
                + "[LAB_DRAIN_DELAY_MS, default: 5000, with --dev 0]"))
    var drainDelay: String?

    @Option(
        name: .customLong("drain-timeout-ms"),
        help: ArgumentHelp(
            "Time for running requests to finish after listening ends. [LAB_DRAIN_TIMEOUT_MS, default: "
                + "20000]"))
    var drainTimeout: String?

    @Option(
        name: .customLong("reconcile-interval-s"),
        help: ArgumentHelp(
            "Seconds between comparisons of stock and ledger; 0: only at the start and when needed. "
                + "[LAB_RECONCILE_INTERVAL_S, default: 30]"))
    var reconcileInterval: String?

    @Option(
        help: ArgumentHelp(
            "Certificate chain as PEM, the server's own first: the server then speaks HTTPS and nothing else. "
                + "Read again on SIGHUP. [LAB_TLS_CERTIFICATE, default: none]", valueName: "file"))
    var tlsCertificate: String?

    @Option(
        help: ArgumentHelp(
            "Private key of the TLS certificate, as PEM without a passphrase. [LAB_TLS_PRIVATE_KEY, default: none]",
            valueName: "file"))
    var tlsPrivateKey: String?

    @Option(help: "Most ledger writes in one commit. [LAB_LEDGER_BATCH, default: 512]")
    var ledgerBatch: String?

    @Option(
        help: ArgumentHelp(
            "Writes that may wait for the ledger; more are refused with 503. [LAB_LEDGER_QUEUE, "
                + "default: 10000]"))
    var ledgerQueue: String?

    @Option(
        name: .customLong("ledger-patience-ms"),
        help: ArgumentHelp(
            "How long a write waits for its transaction before it is refused with 503. "
                + "[LAB_LEDGER_PATIENCE_MS, default: 2000]"))
    var ledgerPatience: String?

    @Option(
        help: ArgumentHelp(
            "Products, the newest ones, whose stock /metrics shows; each is two series. "
                + "[LAB_METRICS_PRODUCTS, default: 100]"))
    var metricsProducts: String?

    /// - Parameter readFile: The text of a file; nil when it cannot be read.
    func values(environment: [String: String], readFile: (String) -> String?) -> SettingValues {
        var flags: [Setting: String] = [:]
        for setting in Setting.allCases { flags[setting] = typed(setting) }
        var files = ledger.files
        files[.jwtSecret] = jwtSecretFile
        return SettingValues(
            flags: flags, files: files, environment: environment, readFile: readFile)
    }

    private func typed(_ setting: Setting) -> String? {
        switch setting {
        case .host: host
        case .port: port
        case .redis: redis
        case .allowPlaintextRedis: allowPlaintextRedis ? "true" : nil
        case .adoptRedis: adoptRedis ? "true" : nil
        case .redisTimeout: redisTimeout
        case .lockNodeTimeout: lockNodeTimeout
        case .database: ledger.database
        case .strategy: strategy
        case .dev: dev ? "true" : nil
        case .bcryptCost: bcryptCost
        case .passwordQueue: passwordQueue
        case .purchaseDeadline: purchaseDeadline
        case .perUserLimit: perUserLimit
        case .logLevel: logLevel
        case .jwtSecret, .databasePassword: nil
        case .tokenLifetime: tokenLifetime
        case .authRequests: authRequestsPerMinute
        case .authGuesses: authGuessesPerMinute
        case .logFormat: logFormat
        case .logOutput: logOutput
        case .metricsHost: metricsHost
        case .metricsPort: metricsPort
        case .headTimeout: headTimeout
        case .bodyTimeout: bodyTimeout
        case .requestTimeout: requestTimeout
        case .idleTimeout: idleTimeout
        case .maxConnections: maxConnections
        case .maxInFlight: maxInFlight
        case .maxInFlightPerRoute: maxInFlightPerRoute
        case .corsOrigins: corsOrigins
        case .trustedProxies: trustedProxies
        case .drainDelay: drainDelay
        case .drainTimeout: drainTimeout
        case .reconcileInterval: reconcileInterval
        case .tlsCertificate: tlsCertificate
        case .tlsPrivateKey: tlsPrivateKey
        case .ledgerBatch: ledgerBatch
        case .ledgerQueue: ledgerQueue
        case .ledgerPatience: ledgerPatience
        case .metricsProducts: metricsProducts
        }
    }
}

/// Where the ledger is: what every command that opens it takes.
struct LedgerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the ledger is: sqlite:PATH, or postgres://USER@HOST/NAME for several servers on one ledger. "
                + "[LAB_DATABASE, default: sqlite:data/lab.sqlite]", valueName: "address"))
    var database: String?

    @Option(
        help: ArgumentHelp(
            "File that holds the password for PostgreSQL. [LAB_DATABASE_PASSWORD_FILE, or LAB_DATABASE_PASSWORD]",
            valueName: "file"))
    var databasePasswordFile: String?

    /// Files of secrets by flag.
    var files: [Setting: String] {
        databasePasswordFile.map { [.databasePassword: $0] } ?? [:]
    }
}
