/// Where the keys of a command stand.
///
/// A command that is not listed is sent to any node; when it has keys after all, the node says where it
/// belongs.
enum CommandKeys {
    static func of(_ command: RedisCommand) -> [String] {
        let words = command.arguments
        let name = command.name.uppercased()
        if first.contains(name) { return Array(words.dropFirst().prefix(1)) }
        if all.contains(name) { return Array(words.dropFirst()) }
        if counted.contains(name), words.count > 2, let count = Int(words[2]) {
            return Array(words.dropFirst(3).prefix(max(count, 0)))
        }
        if paired.contains(name) {
            return words.indices.dropFirst().filter { $0 % 2 == 1 }.map { words[$0] }
        }
        return []
    }

    private static let first: Set = [
        "APPEND", "BITCOUNT", "DECR", "DECRBY", "EXPIRE", "EXPIREAT", "GET", "GETBIT", "GETDEL", "GETEX",
        "GETRANGE", "GETSET", "INCR", "INCRBY", "INCRBYFLOAT", "PERSIST", "PEXPIRE", "PEXPIREAT", "PSETEX",
        "PTTL", "SET", "SETBIT", "SETEX", "SETNX", "SETRANGE", "STRLEN", "TTL", "TYPE", "DUMP", "RESTORE",
        "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HINCRBYFLOAT", "HKEYS", "HLEN", "HMGET", "HMSET",
        "HSCAN", "HSET", "HSETNX", "HVALS",
        "LINDEX", "LLEN", "LPOP", "LPOS", "LPUSH", "LPUSHX", "LRANGE", "LREM", "LSET", "LTRIM", "RPOP",
        "RPUSH", "RPUSHX",
        "SADD", "SCARD", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SPOP", "SRANDMEMBER", "SREM", "SSCAN",
        "ZADD", "ZCARD", "ZCOUNT", "ZINCRBY", "ZPOPMAX", "ZPOPMIN", "ZRANGE", "ZRANGEBYSCORE", "ZRANK",
        "ZREM", "ZREMRANGEBYSCORE", "ZREVRANGE", "ZSCORE",
        "XACK", "XADD", "XDEL", "XLEN", "XRANGE", "XTRIM",
    ]

    private static let all: Set = [
        "DEL", "EXISTS", "MGET", "RENAME", "RENAMENX", "SDIFF", "SINTER", "SUNION", "TOUCH", "UNLINK",
        "WATCH",
    ]

    /// Name, script, number of keys, keys.
    private static let counted: Set = ["EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"]

    private static let paired: Set = ["MSET", "MSETNX"]
}
