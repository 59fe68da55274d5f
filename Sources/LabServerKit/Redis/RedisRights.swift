import LockStrategies
import RedisClient

/// What a strategy asks of Redis, tried on keys of no product: a right that the server's user lacks is named
/// at the start, and not found out by buyers.
///
/// It is not only that such a server sells nothing: without the right to publish, say, waiters of a lock
/// would wait for their time-out each time.
struct RedisRights: Sendable {
    /// Names the first command that was refused for want of a right; else nothing.
    private static let script = RedisScript(
        name: "rights",
        source: """
            redis.call('DEL', unpack(KEYS))
            local refused = ''
            for line in string.gmatch(ARGV[1], '[^\\n]+') do
              local words = {}
              for word in string.gmatch(line, '%S+') do
                words[#words + 1] = KEYS[tonumber(string.match(word, '^#(%d)$'))] or word
              end
              local reply = redis.pcall(unpack(words))
              if refused == '' and type(reply) == 'table' and reply.err and string.find(reply.err, "can't") then
                refused = words[1] .. ': ' .. reply.err
              end
            end
            redis.call('DEL', unpack(KEYS))
            return refused
            """)

    private static let tag = "{rights}"
    private static let lock = "lock:stock:" + tag

    let traits: StrategyTraits

    /// Asks the stock's server.
    ///
    /// - Returns: What is missing; nil when nothing is.
    /// - Throws: When the server cannot be asked.
    func missing(on stock: RedisClient) async throws(RedisError) -> String? {
        guard traits.stockLayout != .ledger else { return nil }
        var lines = [
            "SET #1 1", "GET #1", "EXISTS #1", "INCRBY #1 0", "DECRBY #1 0", "HSET #2 a 1", "HGET #2 a",
            "HGETALL #2", "HSCAN #2 0", "HDEL #2 a", "SET #3 1", "GET #3", "SET #7 1 PX 1000",
        ]
        if traits.abilities.contains(.leases), !traits.abilities.contains(.quorum) { lines += lockLines(4) }
        if traits.abilities.contains(.fencing) { lines.append("INCR #5") }
        if traits.stockLayout.bucketCount > 1 { lines.append("HINCRBY #6 n 0") }
        let names = ["stock:", "reservations:", "epoch:", "lock:stock:", "fence:", "moves:", "ended:"]
        return try await refusal { () throws(RedisError) in
            if let refused = try await run(lines, names.map { $0 + Self.tag }, on: stock) { return refused }
            if traits.abilities.contains(.transactions) { try await commit(on: stock) }
            if traits.abilities.contains(.notifiedWaiting) { try await listen(on: stock) }
            return nil
        }
    }

    /// Asks a lock node.
    func missing(onLockNode node: RedisClient) async throws(RedisError) -> String? {
        try await refusal { () throws(RedisError) in try await run(lockLines(1), [Self.lock], on: node) }
    }

    private func lockLines(_ key: Int) -> [String] {
        let lines = ["SET #\(key) 1 NX PX 1000", "GET #\(key)", "PTTL #\(key)", "PEXPIRE #\(key) 1000"]
        return lines + (traits.abilities.contains(.notifiedWaiting) ? ["PUBLISH #\(key) 1"] : [])
    }

    private func run(
        _ lines: [String], _ keys: [String], on client: RedisClient
    ) async throws(RedisError) -> String? {
        let reply = try await client.run(
            Self.script, keys: keys, arguments: [lines.joined(separator: "\n")])
        return reply.value.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func commit(on client: RedisClient) async throws(RedisError) {
        let key = "stock:" + Self.tag
        let _: RedisTransactionOutcome<Never> = try await client.transaction(
            watching: [key], reading: [RedisCommand("GET", key)]
        ) { _ in .commit([RedisCommand("SET", key, "1", "PX", "1")]) }
    }

    private func listen(on client: RedisClient) async throws(RedisError) {
        await (try client.subscribe(to: Self.lock, onEvent: { _ in })).cancel()
    }

    /// A right that is missing is a finding; every other error is the caller's.
    private func refusal(
        _ ask: () async throws(RedisError) -> String?
    ) async throws(RedisError) -> String? {
        do throws(RedisError) {
            return try await ask()
        } catch {
            // EXEC wraps it in its own error.
            guard let reply = error.reply, reply.message.contains("NOPERM") else { throw error }
            return reply.message
        }
    }
}
