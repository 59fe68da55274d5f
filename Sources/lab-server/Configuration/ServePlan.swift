import InventoryService
import LockStrategies
import Logging
import RedisClient

/// The flags of `serve`, checked: nothing in here can be wrong in itself.
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

    static let defaultDatabasePath = "data/lab.sqlite"

    let host: String
    let port: Int
    let redis: RedisSource
    let databasePath: String
    let settings: LabSettings
    let bcryptCost: Int
    let secret: SecretSource
    let logLevel: Logger.Level

    /// - Parameters:
    ///   - secret: The text of the secret file, or of LAB_JWT_SECRET; nil when there is neither.
    /// - Throws: ``StartFailure`` with all that is wrong, at once.
    init(_ options: ServeOptions, secret: String?) throws(StartFailure) {
        var problems: [String] = []
        func check(_ isRight: Bool, _ problem: @autoclosure () -> String) {
            if !isRight { problems.append(problem()) }
        }
        check((0...65_535).contains(options.port), "--port must be between 0 and 65535, not \(options.port)")
        check(!options.host.isEmpty, "--host must not be empty")

        let strategy = StrategyID(rawValue: options.strategy)
        let known = StrategyID.allCases.map(\.rawValue).joined(separator: ", ")
        check(strategy != nil, "unknown strategy \"\(options.strategy)\"; known are: \(known)")
        let level = Logger.Level(rawValue: options.logLevel)
        check(level != nil, "unknown --log-level \"\(options.logLevel)\"; try notice")
        let path = Self.sqlitePath(options.database)
        check(path != nil, "--database must be sqlite:PATH with the path of a file, not \(options.database)")
        let cost = options.bcryptCost ?? (options.dev ? 10 : PasswordHasher.defaultCost)
        let leastCost = options.dev ? 4 : 10
        check(
            (leastCost...16).contains(cost),
            "--bcrypt-cost must be between \(leastCost) and 16, not \(cost)"
                + (cost < 10 && !options.dev ? " (below 10 only with --dev)" : ""))
        check(
            (1...600_000).contains(options.purchaseDeadline),
            "--purchase-deadline-ms must be between 1 and 600000, not \(options.purchaseDeadline)")
        var source = RedisSource.embedded
        if let text = options.redis {
            do throws(RedisURLError) {
                source = try Self.servers(text)
            } catch {
                problems.append("--redis: \(error)")
            }
        }
        guard problems.isEmpty, let strategy, let level, let path else {
            throw StartFailure(.usage, problems.joined(separator: "; "))
        }
        host = options.host
        port = options.port
        redis = source
        databasePath = path
        settings = LabSettings(strategy: strategy, patience: .milliseconds(options.purchaseDeadline))
        bcryptCost = cost
        logLevel = level
        self.secret = try Self.secretSource(secret, isDevelopment: options.dev)
    }

    private static func servers(_ text: String) throws(RedisURLError) -> RedisSource {
        let endpoints = try RedisEndpoint.list(parsing: text)
        return .servers(stock: endpoints[0], lockNodes: Array(endpoints.dropFirst()))
    }

    private static func sqlitePath(_ text: String) -> String? {
        guard text.hasPrefix("sqlite:") else { return nil }
        let path = String(text.dropFirst("sqlite:".count))
        // ":memory:" and "file:" are names to SQLite, and nothing that survives.
        guard !path.isEmpty, !path.hasPrefix(":"), !path.hasPrefix("file:") else { return nil }
        return path
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
