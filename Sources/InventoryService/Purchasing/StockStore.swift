public import LockStrategies
import RedisClient

/// The units that can still be sold: in Redis, or in the ledger where the strategy leaves them there.
public struct StockStore<Redis: RedisPort>: Sendable {
    private let redis: Redis
    private let stock: ProductStock<Redis>

    /// - Parameter layout: Where the strategy that sells keeps its units.
    public init(_ redis: Redis, layout: StockLayout = .oneKey) {
        self.redis = redis
        stock = ProductStock(redis, layout: layout)
    }

    /// Where the units are.
    public var layout: StockLayout { stock.layout }

    /// Sets the stock of a product that has none yet.
    ///
    /// - Returns: False when the product has a stock; it was left alone.
    public func initialise(_ product: ProductID, units: Int) async throws(InventoryError) -> Bool {
        do throws(RedisError) {
            return try await stock.initialise(product, units: units)
        } catch {
            throw InventoryError(error, during: "setting the stock")
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
            if let redis = error.underlying { throw InventoryError(redis, during: "reading the stock") }
            throw InventoryError(.stockUnknown, error.context, underlying: error)
        }
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
        do throws(RedisError) {
            try await stock.clear(id, of: product)
        } catch {
            throw InventoryError(error, during: "clearing a reservation")
        }
    }

    /// Says whether Redis answers.
    public func check() async throws(InventoryError) {
        do throws(RedisError) {
            _ = try await redis.send(RedisCommand("PING"))
        } catch {
            throw InventoryError(error, during: "asking Redis for a sign of life")
        }
    }
}
