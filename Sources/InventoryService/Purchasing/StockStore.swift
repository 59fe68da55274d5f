public import LockStrategies
import RedisClient

/// The units that can still be sold, in Redis.
public struct StockStore<Redis: RedisPort>: Sendable {
    public enum AdjustOutcome: Sendable, Equatable {
        case adjusted(Int)
        /// The stock would fall below zero; it was left alone.
        case tooFew(stock: Int)
    }

    private let redis: Redis

    public init(_ redis: Redis) {
        self.redis = redis
    }

    /// Sets the stock of a product that has none yet. One round trip.
    ///
    /// - Returns: False when the product has a stock; it was left alone.
    public func initialise(_ product: ProductID, units: Int) async throws(InventoryError) -> Bool {
        let reply = try await send(
            RedisCommand("SET", ProductKeys(product).stock, String(units), "NX"), "setting the stock")
        return reply != .null
    }

    /// The units in stock; nil when Redis knows none. One round trip.
    public func read(_ product: ProductID) async throws(InventoryError) -> Int? {
        let reply = try await send(RedisCommand("GET", ProductKeys(product).stock), "reading the stock")
        if reply == .null { return nil }
        guard let units = reply.integer else {
            throw InventoryError(.stockUnknown, "the stock of product \(product) is not a whole number")
        }
        return Int(units)
    }

    /// The stocks of several products, asked for at the same time.
    public func read(_ products: [ProductID]) async throws(InventoryError) -> [ProductID: Int] {
        let results = await withTaskGroup(of: (ProductID, Result<Int?, InventoryError>).self) { group in
            for product in products {
                group.addTask {
                    do throws(InventoryError) {
                        return (product, .success(try await self.read(product)))
                    } catch {
                        return (product, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var stocks: [ProductID: Int] = [:]
        for (product, result) in results { stocks[product] = try result.get() }
        return stocks
    }

    /// Adds units, or takes them with a negative number, in one atomic step. One round trip.
    ///
    /// - Throws: ``InventoryError`` with `.stockUnknown` when there is no stock to change.
    public func adjust(_ product: ProductID, by units: Int) async throws(InventoryError) -> AdjustOutcome {
        let value = try await run(
            StockScripts.adjust, [ProductKeys(product).stock], [String(units)], "changing the stock")
        guard let parts = value.array, parts.count == 2, let code = parts[0].integer,
            let stock = parts[1].integer
        else { throw InventoryError(.outcomeUnknown, "Redis gave an answer that is not the script's") }
        switch code {
        case 1: return .adjusted(Int(stock))
        case 0: return .tooFew(stock: Int(stock))
        default: throw InventoryError(.stockUnknown, "the stock of product \(product) is not known")
        }
    }

    /// Removes the record of a reservation; its units stay taken. May be repeated. One round trip.
    func clear(_ id: ReservationID, of product: ProductID) async throws(InventoryError) {
        _ = try await send(
            RedisCommand("HDEL", ProductKeys(product).reservations, id.description), "clearing a reservation")
    }

    /// Says whether Redis answers.
    public func check() async throws(InventoryError) {
        _ = try await send(RedisCommand("PING"), "asking Redis for a sign of life")
    }

    private func send(_ command: RedisCommand, _ step: String) async throws(InventoryError) -> RESPValue {
        do throws(RedisError) {
            return try await redis.send(command)
        } catch {
            throw InventoryError(error, during: step)
        }
    }

    private func run(
        _ script: RedisScript, _ keys: [String], _ arguments: [String], _ step: String
    ) async throws(InventoryError) -> RESPValue {
        do throws(RedisError) {
            return try await redis.run(script, keys: keys, arguments: arguments).value
        } catch {
            throw InventoryError(error, during: step)
        }
    }
}
