import RedisClient

/// Limits that nobody sets; `config` shows them beside the settings.
enum FixedLimits {
    /// Size of a body; more is 413.
    static let bodyBytes = 64 << 10
    /// Size of one header, size of all of them, and how many there may be; more is 431.
    static let headerBytes = 16 << 10
    static let headersBytes = 32 << 10
    static let headers = 100
    /// Connections that the system keeps until they are accepted.
    static let backlog = 1024
    /// Threads that hash passwords.
    static let passwordThreads = 1

    /// To one Redis server, for transactions, beside the one that all other commands share.
    static let redisConnections = RedisClient.Limits().dedicatedConnections

    static var listing: [String] {
        [
            ("body-bytes", bodyBytes), ("header-bytes", headerBytes), ("headers-bytes", headersBytes),
            ("headers", headers), ("backlog", backlog), ("password-threads", passwordThreads),
            ("redis-transaction-connections", redisConnections),
        ].map { "\($0.0) = \($0.1) (fixed)" }
    }
}
