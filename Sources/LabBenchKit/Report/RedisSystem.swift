/// What the report says about the Redis that held the stock.
struct RedisSystem: Sendable, Equatable, Codable {
    var version: String
    var appendonly: String
    var appendfsync: String
    var save: String
    var maxmemoryPolicy: String
}
