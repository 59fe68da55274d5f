public import LockStrategies
import RedisClient

/// The units that can still be sold: in Redis, or in the ledger where the strategy leaves them there.
public struct StockStore<Redis: RedisPort>: Sendable {
    let redis: Redis
    private let stock: ProductStock<Redis>
    /// What another ledger left in this Redis is replaced.
    let replacesForeign: Bool

    /// - Parameters:
    ///   - layout: Where the strategy that sells keeps its units.
    ///   - replacesForeign: Whether what another ledger left in this Redis is replaced; else a product that
    ///     meets it is not sold.
    public init(_ redis: Redis, layout: StockLayout = .oneKey, replacesForeign: Bool = false) {
        self.redis = redis
        self.replacesForeign = replacesForeign
        stock = ProductStock(redis, layout: layout)
    }

    /// Where the units are.
    public var layout: StockLayout { stock.layout }

    /// As ``RedisPort/finishing(_:)``, of the Redis that holds the stock.
    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await redis.finishing(calls)
    }

    /// Sets the stock of a product that has none yet.
    ///
    /// - Returns: False when the product has a stock; it was left alone.
    public func initialise(
        _ product: ProductID, units: Int, as epoch: StockEpoch
    ) async throws(InventoryError) -> Bool {
        if replacesForeign { _ = try await removeForeign(product, epoch.origin) }
        return try await asking("setting the stock") { () throws(RedisError) in
            try await stock.initialise(product, units: units, as: epoch)
        }
    }

    /// Replaces the stock by what the ledger says.
    func fill(
        _ product: ProductID, as filling: StockFilling
    ) async throws(InventoryError) -> ProductStock<Redis>.Filling {
        if replacesForeign { _ = try await removeForeign(product, filling.epoch.origin) }
        return try await asking("filling the stock") { () throws(RedisError) in
            try await stock.fill(product, units: filling.units, as: filling.epoch)
        }
    }

    /// Forgets the stock of a product that is no longer sold.
    func drop(
        _ product: ProductID, origin: String
    ) async throws(InventoryError) -> ProductStock<Redis>.Filling {
        try await asking("dropping the stock") { () throws(RedisError) in
            try await stock.drop(product, origin: origin)
        }
    }

    /// As ``ProductStock/offer(_:of:as:in:)``.
    func offer(
        _ units: Int, of product: ProductID, as id: ReservationID, in epoch: StockEpoch
    ) async throws(InventoryError) -> Bool {
        try await asking("offering new supply") { () throws(RedisError) in
            try await stock.offer(units, of: product, as: id, in: epoch)
        }
    }

    /// All that Redis holds of a product's stock. One round trip a bucket; nothing where the ledger holds it.
    public func snapshot(_ product: ProductID) async throws(InventoryError) -> StockSnapshot {
        do throws(StrategyError) {
            return try await stock.snapshot(product)
        } catch {
            throw Self.unreadable(error)
        }
    }

    /// The units of a product as the ledger knows it; nil when Redis knows none.
    public func units(of product: Product) async throws(InventoryError) -> Int? {
        layout == .ledger ? product.supplied - product.sold : try await read(product.id)
    }

    /// The units in Redis; nil when it knows none.
    public func read(_ product: ProductID) async throws(InventoryError) -> Int? {
        do throws(StrategyError) {
            return try await stock.read(product)
        } catch {
            throw Self.unreadable(error)
        }
    }

    private static func unreadable(_ error: StrategyError) -> InventoryError {
        if let redis = error.underlying { return InventoryError(redis, during: "reading the stock") }
        return InventoryError(.stockUnknown, error.context, underlying: error)
    }

    /// The units of several products, asked for at the same time.
    public func units(of products: [Product]) async throws(InventoryError) -> [ProductID: Int] {
        let results = await withTaskGroup(of: Reading.self) { group in
            for product in products {
                group.addTask {
                    do throws(InventoryError) {
                        return Reading(
                            product: product.id, units: .success(try await self.units(of: product)))
                    } catch {
                        return Reading(product: product.id, units: .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var stocks: [ProductID: Int] = [:]
        for result in results { stocks[result.product] = try result.units.get() }
        return stocks
    }

    // No tuple: docs/decisions/0005.
    private struct Reading: Sendable {
        let product: ProductID
        let units: Result<Int?, InventoryError>
    }

    /// Removes the record of a reservation; its units stay taken. May be repeated.
    func clear(_ id: ReservationID, of product: ProductID) async throws(InventoryError) {
        try await asking("clearing a reservation") { () throws(RedisError) in
            try await stock.clear(id, of: product)
        }
    }

    /// As ``clear(_:of:)`` for several.
    func clear(_ ids: [ReservationID], of product: ProductID) async throws(InventoryError) {
        try await asking("clearing reservations") { () throws(RedisError) in
            try await stock.clear(ids, of: product)
        }
    }

    /// Removes what stands among the reservations and is none.
    func discard(_ strangers: Set<String>, of product: ProductID) async throws(InventoryError) {
        try await asking("removing what is no reservation") { () throws(RedisError) in
            try await stock.discard(strangers, of: product)
        }
    }

    /// As ``ProductStock/removeEndedMarks(of:)``.
    func removeEndedMarks(of product: ProductID) async throws(InventoryError) {
        try await asking("removing the marks of an older version") { () throws(RedisError) in
            try await stock.removeEndedMarks(of: product)
        }
    }

    /// Says whether Redis takes writes, as a sale needs it: a replica, a full memory, or a disk that cannot
    /// be written answers PING and sells nothing.
    public func check() async throws(InventoryError) {
        try await asking("asking Redis whether it takes writes") { () throws(RedisError) in
            _ = try await redis.send(RedisCommand("SET", "stock:{readiness}", "1", "PX", "1000"))
        }
    }

    func asking<Value>(
        _ step: String, _ question: () async throws(RedisError) -> Value
    ) async throws(InventoryError) -> Value {
        do throws(RedisError) {
            return try await question()
        } catch {
            throw InventoryError(error, during: step)
        }
    }
}
