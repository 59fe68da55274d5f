/// A part of the system that is loaded alone: what any strategy could sell at most if nothing else took time.
/// Or the whole of it without a lock, for comparison. Short, and never ranked.
package enum Ceiling: String, Sendable, Codable, CaseIterable {
    case bareHTTP = "bare-http"
    case redisOnly = "redis-only"
    case sqliteOnly = "sqlite-only"
    case noLock = "no-lock"

    /// What is done once for each that is counted.
    package var what: String {
        switch self {
        case .bareHTTP: "GET /health/live, a route that does nothing, over HTTP"
        case .redisOnly: "the script of lua-atomic, from this process, without HTTP and SQLite"
        case .sqliteOnly: "one durable row of the ledger, from this process, without HTTP and Redis"
        case .noLock: "a purchase by unguarded with plenty of stock: all the work, no lock"
        }
    }
}
