/// Every setting of the server: a flag, an environment variable, a default.
enum Setting: String, Sendable, CaseIterable {
    case host
    case port
    case redis
    case allowPlaintextRedis = "allow-plaintext-redis"
    case adoptRedis = "adopt-redis"
    case redisTimeout = "redis-timeout-ms"
    case lockNodeTimeout = "lock-node-timeout-ms"
    case database
    case databasePassword = "database-password"
    case strategy
    case dev
    case bcryptCost = "bcrypt-cost"
    case passwordQueue = "password-queue"
    case purchaseDeadline = "purchase-deadline-ms"
    case perUserLimit = "per-user-limit"
    case logLevel = "log-level"
    case jwtSecret = "jwt-secret"
    case tokenLifetime = "token-lifetime-s"
    case authRequests = "auth-requests-per-minute"
    case authGuesses = "auth-guesses-per-minute"
    case logFormat = "log-format"
    case logOutput = "log-output"
    case metricsHost = "metrics-host"
    case metricsPort = "metrics-port"
    case headTimeout = "head-timeout-ms"
    case bodyTimeout = "body-timeout-ms"
    case requestTimeout = "request-timeout-ms"
    case idleTimeout = "idle-timeout-ms"
    case maxConnections = "max-connections"
    case maxInFlight = "max-in-flight"
    case maxInFlightPerRoute = "max-in-flight-per-route"
    case corsOrigins = "cors-origins"
    case trustedProxies = "trusted-proxies"
    case drainDelay = "drain-delay-ms"
    case drainTimeout = "drain-timeout-ms"
    case reconcileInterval = "reconcile-interval-s"
    case tlsCertificate = "tls-certificate"
    case tlsPrivateKey = "tls-private-key"
    case ledgerBatch = "ledger-batch"
    case ledgerQueue = "ledger-queue"
    case ledgerPatience = "ledger-patience-ms"
    case metricsProducts = "metrics-products"

    /// The flag without its dashes.
    var flag: String { rawValue }

    var environmentName: String {
        "LAB_" + rawValue.uppercased().replacing("-", with: "_")
    }

    /// Secrets come from the environment or from a file, never from the command line.
    var hasFileForm: Bool { self == .jwtSecret || self == .redis || self == .databasePassword }

    /// The text that stands where neither flag nor environment says anything; nil where that is a value of
    /// its own.
    var standard: String? {
        switch self {
        case .host: "127.0.0.1"
        case .port: "8080"
        case .redis, .databasePassword, .jwtSecret, .bcryptCost, .authRequests, .authGuesses, .logFormat,
            .metricsPort,
            .requestTimeout, .perUserLimit,
            .corsOrigins, .trustedProxies, .drainDelay, .tlsCertificate, .tlsPrivateKey:
            nil
        case .database: "sqlite:" + DatabaseAddress.standardPath
        case .strategy: "lua-atomic"
        case .dev, .allowPlaintextRedis, .adoptRedis: "false"
        case .redisTimeout: "1000"
        case .lockNodeTimeout: "250"
        case .passwordQueue: "32"
        case .purchaseDeadline: "5000"
        case .logLevel: "notice"
        case .logOutput: "stderr"
        case .tokenLifetime: "3600"
        case .metricsHost: "127.0.0.1"
        case .headTimeout: "10000"
        case .bodyTimeout: "20000"
        case .idleTimeout: "60000"
        case .maxConnections: "20000"
        case .maxInFlight: "12000"
        case .maxInFlightPerRoute: "10000"
        case .drainTimeout: "20000"
        case .reconcileInterval: "30"
        case .ledgerBatch: "512"
        case .ledgerQueue: "10000"
        case .ledgerPatience: "2000"
        case .metricsProducts: "100"
        }
    }
}
