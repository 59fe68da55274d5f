import RedisClient

/// Reads what Redis holds for the product, with commands of our own.
enum StockReader {
    struct Reading: Sendable {
        var stock: Int
        /// Reservation id to units.
        var reservations: [String: Int]
        var system: RedisSystem
    }

    /// What the report says about the Redis that held the stock.
    struct RedisSystem: Sendable, Equatable, Codable {
        var version: String
        var appendonly: String
        var appendfsync: String
        var save: String
        var maxmemoryPolicy: String
    }

    /// - Parameter buckets: Keys over which the product's stock is divided; 0 when it is not in Redis.
    /// - Returns: nil when Redis cannot be reached or the keys are not what they should be.
    static func read(_ endpoint: RedisEndpoint, product: Int64, buckets: Int) async -> Reading? {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(3), command: .seconds(10)))
        let reading = try? await read(client, product, buckets)
        await client.close()
        return reading ?? nil
    }

    private static func read(
        _ client: RedisClient, _ product: Int64, _ buckets: Int
    ) async throws -> Reading? {
        var reading = Reading(stock: 0, reservations: [:], system: try await system(client))
        let arrived = try await numbers(client, "moved:{\(product)}")
        for bucket in 0..<buckets {
            let tag = bucket == 0 ? "{\(product)}" : "{\(product):\(bucket)}"
            let stock = try await client.send(RedisCommand("GET", "stock:\(tag)"))
            guard let units = stock.integer else { return nil }
            reading.stock += Int(units)
            let moves = try await numbers(client, "moves:\(tag)")
            reading.stock += moves["returned"] ?? 0
            // On the way to bucket 0: out of here and not there yet.
            if moves["n"] ?? 0 > arrived[String(bucket)] ?? 0 { reading.stock += moves["units"] ?? 0 }
            let open = try await client.send(RedisCommand("HGETALL", "reservations:\(tag)"))
            guard let fields = open.array, fields.count.isMultiple(of: 2) else { return nil }
            for index in stride(from: 0, to: fields.count, by: 2) {
                // "units" or "units:stock after".
                guard let id = fields[index].string,
                    let count = fields[index + 1].string?.split(separator: ":").first.flatMap({ Int($0) })
                else { return nil }
                reading.reservations[id] = count
            }
        }
        return reading
    }

    private static func numbers(_ client: RedisClient, _ key: String) async throws -> [String: Int] {
        let fields = try await client.send(RedisCommand("HGETALL", key)).array ?? []
        var numbers: [String: Int] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            if let name = fields[index].string { numbers[name] = fields[index + 1].integer.map { Int($0) } }
        }
        return numbers
    }

    private static func system(_ client: RedisClient) async throws -> RedisSystem {
        let info = try await client.send(RedisCommand("INFO", "server")).string ?? ""
        let version = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }
        func setting(_ name: String) async -> String {
            let reply = try? await client.send(RedisCommand("CONFIG", "GET", name))
            let value = reply?.array?.last?.string ?? "unknown"
            return value.isEmpty ? "none" : value
        }
        return RedisSystem(
            version: version.map { String($0.dropFirst("redis_version:".count)) } ?? "unknown",
            appendonly: await setting("appendonly"), appendfsync: await setting("appendfsync"),
            save: await setting("save"), maxmemoryPolicy: await setting("maxmemory-policy"))
    }
}
