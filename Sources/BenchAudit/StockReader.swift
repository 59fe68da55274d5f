package import BenchResults
package import RedisClient

/// Reads what Redis holds for the product, with commands of our own.
package enum StockReader {
    /// One product.
    package struct Stock: Sendable {
        package var units: Int
        /// Reservation id to units.
        package var reservations: [String: Int]

        package init(units: Int, reservations: [String: Int]) {
            self.units = units
            self.reservations = reservations
        }
    }

    package struct Reading: Sendable {
        /// In the order asked for.
        package var stocks: [Stock]
        /// Nil: not to be seen from here.
        package var system: RedisSystem?

        package init(stocks: [Stock], system: RedisSystem? = nil) {
            self.stocks = stocks
            self.system = system
        }
    }

    /// - Parameter buckets: Keys over which a product's stock is divided; 0 when it is not in Redis.
    /// - Returns: nil when Redis cannot be reached or the keys are not what they should be.
    package static func read(_ endpoint: RedisEndpoint, products: [Int64], buckets: Int) async -> Reading? {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(3), command: .seconds(10)))
        let reading = try? await read(client, products, buckets)
        await client.close()
        return reading ?? nil
    }

    private static func read(
        _ client: RedisClient, _ products: [Int64], _ buckets: Int
    ) async throws -> Reading? {
        var reading = Reading(stocks: [], system: try await system(client))
        for product in products {
            guard let stock = try await stock(of: product, client, buckets) else { return nil }
            reading.stocks.append(stock)
        }
        return reading
    }

    private static func stock(
        of product: Int64, _ client: RedisClient, _ buckets: Int
    ) async throws -> Stock? {
        var replies: [RESPValue] = []
        for command in commands(of: product, buckets: buckets) {
            replies.append(try await client.send(command))
        }
        return stock(replies)
    }

    /// What is asked for one product: where units arrived, then three commands for each bucket.
    package static func commands(of product: Int64, buckets: Int) -> [RedisCommand] {
        [RedisCommand("HGETALL", "moved:{\(product)}")]
            + (0..<buckets).flatMap { bucket in
                let tag = bucket == 0 ? "{\(product)}" : "{\(product):\(bucket)}"
                return [
                    RedisCommand("GET", "stock:\(tag)"), RedisCommand("HGETALL", "moves:\(tag)"),
                    RedisCommand("HGETALL", "reservations:\(tag)"),
                ]
            }
    }

    /// What the replies to ``commands(of:buckets:)`` say; nil when they are not what they should be.
    package static func stock(_ replies: [RESPValue]) -> Stock? {
        var reading = Stock(units: 0, reservations: [:])
        let arrived = numbers(replies[0])
        for (bucket, place) in stride(from: 1, to: replies.count, by: 3).enumerated() {
            guard let units = replies[place].integer else { return nil }
            reading.units += Int(units)
            let moves = numbers(replies[place + 1])
            reading.units += moves["returned"] ?? 0
            // On the way to bucket 0: out of here and not there yet.
            if moves["n"] ?? 0 > arrived[String(bucket)] ?? 0 { reading.units += moves["units"] ?? 0 }
            guard let fields = replies[place + 2].array, fields.count.isMultiple(of: 2) else { return nil }
            for index in stride(from: 0, to: fields.count, by: 2) {
                // "units:stock after" while it is open, "ended:" after a return.
                guard let id = fields[index].string,
                    let head = fields[index + 1].string?.split(separator: ":").first
                else { return nil }
                if head == "ended" { continue }
                guard let count = Int(head) else { return nil }
                reading.reservations[id] = count
            }
        }
        return reading
    }

    private static func numbers(_ reply: RESPValue) -> [String: Int] {
        let fields = reply.array ?? []
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
