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

    /// - Returns: nil when Redis cannot be reached or the keys are not what they should be.
    static func read(_ endpoint: RedisEndpoint, product: Int64) async -> Reading? {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(3), command: .seconds(10)))
        let reading = try? await read(client, product)
        await client.close()
        return reading ?? nil
    }

    private static func read(_ client: RedisClient, _ product: Int64) async throws -> Reading? {
        let stock = try await client.send(RedisCommand("GET", "stock:{\(product)}"))
        let open = try await client.send(RedisCommand("HGETALL", "reservations:{\(product)}"))
        guard let units = stock.integer, let fields = open.array, fields.count.isMultiple(of: 2) else {
            return nil
        }
        var reservations: [String: Int] = [:]
        for index in stride(from: 0, to: fields.count, by: 2) {
            // "units" or "units:stock after".
            guard let id = fields[index].string,
                let count = fields[index + 1].string?.split(separator: ":").first.flatMap({ Int($0) })
            else { return nil }
            reservations[id] = count
        }
        return Reading(
            stock: Int(units), reservations: reservations, system: try await system(client))
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
