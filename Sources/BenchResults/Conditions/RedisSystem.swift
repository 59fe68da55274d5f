/// What the report says about the Redis that held the stock.
package struct RedisSystem: Sendable, Equatable, Codable {
    package var version: String
    package var appendonly: String
    package var appendfsync: String
    package var save: String
    package var maxmemoryPolicy: String

    package init(
        version: String, appendonly: String, appendfsync: String, save: String, maxmemoryPolicy: String
    ) {
        self.version = version
        self.appendonly = appendonly
        self.appendfsync = appendfsync
        self.save = save
        self.maxmemoryPolicy = maxmemoryPolicy
    }
}
