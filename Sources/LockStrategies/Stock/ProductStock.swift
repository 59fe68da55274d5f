public import RedisClient

/// The stock of products in Redis, in whatever layout a strategy keeps it: what is neither a reservation nor
/// its return.
public struct ProductStock<Redis: RedisPort>: Sendable {
    /// Where the units are kept.
    public let layout: StockLayout
    let redis: Redis

    /// - Parameters:
    ///   - redis: Holds the stock.
    ///   - layout: That of the strategy which sells from it.
    public init(_ redis: Redis, layout: StockLayout) {
        self.redis = redis
        self.layout = layout
    }

    /// Puts the first units of a product on sale. One round trip, and two more for each bucket.
    ///
    /// - Parameters:
    ///   - product: What is sold.
    ///   - units: How many can be sold.
    ///   - epoch: The name of this filling.
    /// - Returns: False when the product has a stock already; it was left alone.
    public func initialise(
        _ product: ProductID, units: Int, as epoch: StockEpoch = StockEpoch(origin: "", number: 0)
    ) async throws(RedisError) -> Bool {
        guard layout.bucketCount > 0 else { return true }
        guard try await redis.send(RedisCommand("EXISTS", ProductKeys(product).stock)).integer == 0 else {
            return false
        }
        return try await fill(product, units: units, as: epoch) == .filled
    }

    /// The units that can still be sold; nil when Redis does not know. One round trip a bucket, however many
    /// reservations there are; while units move between buckets the sum is that of several moments.
    ///
    /// - Throws: ``StrategyError``; `.invalidStock` when a key holds no whole number.
    public func read(_ product: ProductID) async throws(StrategyError) -> Int? {
        let buckets = try await look(product, at: "units")
        for bucket in buckets {
            if bucket.stock == .null { return nil }
            if bucket.stock.stockNumber == nil { throw .invalidStock(product) }
        }
        return Self.snapshot(buckets).units
    }

    /// All that Redis holds for the product. One round trip a bucket.
    public func snapshot(_ product: ProductID) async throws(StrategyError) -> StockSnapshot {
        Self.snapshot(try await look(product, at: "all"))
    }

    /// Reservations that neither a purchase nor a return has ended, with their units. One round trip a
    /// bucket.
    public func openReservations(
        of product: ProductID
    ) async throws(StrategyError) -> [ReservationID: Int] {
        try await snapshot(product).open
    }

    /// Removes the record of a reservation; its units stay taken. May be repeated. One round trip, or two.
    public func clear(_ id: ReservationID, of product: ProductID) async throws(RedisError) {
        for bucket in buckets(of: id) {
            let keys = ProductKeys(product, bucket: bucket)
            let reply = try await redis.send(RedisCommand("HDEL", keys.reservations, id.description))
            if reply.integer == 1 { return }
        }
    }

    /// Removes fields among the reservations that are none. One round trip a bucket.
    public func discard(_ strangers: Set<String>, of product: ProductID) async throws(RedisError) {
        guard !strangers.isEmpty else { return }
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            _ = try await redis.send(RedisCommand("HDEL", [keys.reservations] + strangers.sorted()))
        }
    }

    /// Removes the marks that older versions left among the open reservations; today's are keys of their own.
    /// In slices of a thousand, one round trip each, so that buyers are served between them.
    public func removeEndedMarks(of product: ProductID) async throws(RedisError) {
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            var cursor = "0"
            repeat {
                cursor =
                    try await redis.run(
                        EmbeddedScripts.removeEndedMarks, keys: [keys.reservations], arguments: [cursor]
                    ).value.string ?? "0"
            } while cursor != "0"
        }
    }

    /// Where the record of a reservation may be, the likelier place first.
    private func buckets(of id: ReservationID) -> [Int] {
        guard layout.bucketCount > 0 else { return [] }
        let bucket = id.bucket(of: layout.bucketCount)
        return bucket == 0 ? [0] : [bucket, 0]
    }

    /// One bucket as the script look-at-stock shows it.
    private struct Bucket: Sendable {
        var stock: RESPValue
        var epoch: String
        var records: [String: String]
        var moves: [String: String]
        var moved: [String: String]
    }

    private func look(
        _ product: ProductID, at part: String
    ) async throws(StrategyError) -> [Bucket] {
        var buckets: [Bucket] = []
        for bucket in 0..<layout.bucketCount {
            let keys = ProductKeys(product, bucket: bucket)
            let values: [RESPValue]
            do throws(RedisError) {
                values =
                    try await redis.run(
                        EmbeddedScripts.lookAtStock,
                        keys: [keys.stock, keys.reservations, keys.epoch, keys.moves, keys.moved],
                        arguments: [part]
                    ).value.array ?? []
            } catch {
                throw StrategyError(error, during: "reading the stock of product \(product)")
            }
            guard values.count == 5, let epoch = values[1].string else {
                throw StrategyError(.unavailable, "the script look-at-stock answered \(values)")
            }
            buckets.append(
                Bucket(
                    stock: values[0], epoch: epoch, records: Self.pairs(values[2]),
                    moves: Self.pairs(values[3]), moved: Self.pairs(values[4])))
        }
        return buckets
    }

    private static func pairs(_ reply: RESPValue) -> [String: String] {
        let fields = reply.array ?? []
        var values: [String: String] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            if let name = fields[index].string { values[name] = fields[index + 1].string }
        }
        return values
    }

    private static func snapshot(_ buckets: [Bucket]) -> StockSnapshot {
        var snapshot = StockSnapshot()
        var sum: Int? = buckets.isEmpty ? nil : 0
        for (index, bucket) in buckets.enumerated() {
            sum =
                if let sum, let stock = bucket.stock.stockNumber { StockNumber.sum(sum, stock) } else { nil }
            if index > 0 {
                let moving = onTheWay(from: index, bucket.moves, arrived: buckets[0].moved)
                sum = sum.map { StockNumber.sum($0, moving) }
            }
            if let epoch = StockEpoch(bucket.epoch) {
                snapshot.epochs.insert(epoch)
            } else {
                snapshot.isNamed = false
            }
            for (id, text) in bucket.records {
                guard let stored = ReservationID(stored: id), let record = ReservationRecord(text) else {
                    if snapshot.strangers.count < 1000 { snapshot.strangers.insert(id) }
                    continue
                }
                switch record {
                case .open(let units, _): snapshot.open[stored] = units
                case .ended: snapshot.ended.insert(stored)
                }
            }
        }
        snapshot.units = sum
        return snapshot
    }

    /// Units that left a bucket and have not arrived, and those that came back and wait in it.
    private static func onTheWay(
        from bucket: Int, _ moves: [String: String], arrived moved: [String: String]
    ) -> Int {
        func number(_ text: String?) -> Int { text.flatMap { StockNumber.read($0) } ?? 0 }
        // Numbers of moves are only compared. After a restore they have more digits than a stock.
        let isOpen = Int(moves["n"] ?? "") ?? 0 > Int(moved[String(bucket)] ?? "") ?? 0
        return StockNumber.sum(number(moves["returned"]), isOpen ? number(moves["units"]) : 0)
    }
}
