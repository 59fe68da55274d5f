public import RedisClient

/// The stock of products in Redis, in whatever layout a strategy keeps it: what is neither a reservation nor its
/// return.
public struct ProductStock<Redis: RedisPort>: Sendable {
    public let layout: StockLayout
    private let redis: Redis

    public init(_ redis: Redis, layout: StockLayout) {
        self.redis = redis
        self.layout = layout
    }

    /// Puts the first units of a product on sale. One round trip a bucket, and one.
    ///
    /// - Returns: False when the product has a stock already; it was left alone.
    public func initialise(_ product: ProductID, units: Int) async throws(RedisError) -> Bool {
        guard layout.bucketCount > 0 else { return true }
        let home = ProductKeys(product)
        let share = units / layout.bucketCount
        if layout.bucketCount > 1 {
            guard try await redis.send(RedisCommand("EXISTS", home.stock)).integer == 0 else { return false }
            _ = try await redis.send(RedisCommand("DEL", home.moved))
            _ = try await redis.send(RedisCommand("DEL", home.drained))
        }
        for bucket in 1..<max(layout.bucketCount, 1) {
            let keys = ProductKeys(product, bucket: bucket)
            _ = try await redis.send(RedisCommand("DEL", keys.moves))
            _ = try await redis.send(RedisCommand("SET", keys.stock, String(share)))
        }
        // Last: without bucket 0 nothing is sold.
        let rest = units - share * (layout.bucketCount - 1)
        return try await redis.send(RedisCommand("SET", home.stock, String(rest), "NX")) != .null
    }

    /// The units that can still be sold; nil when Redis does not know. One round trip a bucket; while units move
    /// between buckets the sum is that of several moments.
    ///
    /// - Throws: ``StrategyError``; `.invalidStock` when a key holds no whole number.
    public func read(_ product: ProductID) async throws(StrategyError) -> Int? {
        let moved = layout.bucketCount > 1 ? try await hash(ProductKeys(product).moved, product) : [:]
        var sum = 0
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            let reply = try await send(RedisCommand("GET", keys.stock), product)
            if reply == .null { return nil }
            guard let units = reply.integer else { throw .invalidStock(product) }
            sum += Int(units)
            guard bucket > 0 else { continue }
            let moves = try await hash(keys.moves, product)
            sum += moves["returned"] ?? 0
            if moves["n"] ?? 0 > moved[String(bucket)] ?? 0 { sum += moves["units"] ?? 0 }
        }
        return layout.bucketCount == 0 ? nil : sum
    }

    /// Removes the record of a reservation; its units stay taken. May be repeated. One round trip, or two.
    public func clear(_ id: ReservationID, of product: ProductID) async throws(RedisError) {
        for bucket in buckets(of: id) {
            let keys = ProductKeys(product, bucket: bucket)
            let reply = try await redis.send(RedisCommand("HDEL", keys.reservations, id.description))
            if reply.integer == 1 { return }
        }
    }

    /// Reservations that neither a purchase nor a return has ended, with their units. One round trip a bucket.
    public func openReservations(
        of product: ProductID
    ) async throws(StrategyError) -> [ReservationID: Int] {
        var open: [ReservationID: Int] = [:]
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            let fields = try await send(RedisCommand("HGETALL", keys.reservations), product).array ?? []
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let id = fields[index].string,
                    let record = fields[index + 1].string.flatMap({ ReservationRecord($0) })
                else { continue }
                open[ReservationID(stored: id)] = record.units
            }
        }
        return open
    }

    /// Where the record of a reservation may be, the likelier place first.
    private func buckets(of id: ReservationID) -> [Int] {
        guard layout.bucketCount > 0 else { return [] }
        let bucket = id.bucket(of: layout.bucketCount)
        return bucket == 0 ? [0] : [bucket, 0]
    }

    private func hash(_ key: String, _ product: ProductID) async throws(StrategyError) -> [String: Int] {
        let fields = try await send(RedisCommand("HGETALL", key), product).array ?? []
        var values: [String: Int] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            if let name = fields[index].string { values[name] = fields[index + 1].integer.map { Int($0) } }
        }
        return values
    }

    private func send(
        _ command: RedisCommand, _ product: ProductID
    ) async throws(StrategyError) -> RESPValue {
        do throws(RedisError) {
            return try await redis.send(command)
        } catch {
            throw StrategyError(error, during: "reading the stock of product \(product)")
        }
    }
}
