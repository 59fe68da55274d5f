public import LockStrategies
public import Logging

/// Sells units of products: the strategy takes them from the stock in Redis, the ledger makes it final.
///
/// One reservation id travels through the purchase. Redis is the filter that lets buyers in; the ledger has
/// the last word and sells no more than was supplied, whatever the strategy did. Once units are reserved
/// the bookkeeping is finished even when the caller is cancelled.
public struct PurchaseService<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>: Sendable {
    /// How a service is set up; one initialiser holds every default.
    public struct Settings: Sendable, Hashable {
        /// The id under which the strategy is recorded.
        public var strategy: StrategyID
        /// How long a buyer waits for the lock.
        public var patience: Duration

        public init(strategy: StrategyID, patience: Duration = .seconds(5)) {
            self.strategy = strategy
            self.patience = patience
        }
    }

    private let strategy: Strategy
    private let store: Store
    private let stock: StockStore<Redis>
    private let settings: Settings
    private let random: RandomSource
    private let clock: WallClock
    private let logger: Logger

    public init(
        strategy: Strategy, store: Store, stock: StockStore<Redis>, settings: Settings,
        random: RandomSource = .system, clock: WallClock = .system, logger: Logger
    ) {
        self.strategy = strategy
        self.store = store
        self.stock = stock
        self.settings = settings
        self.random = random
        self.clock = clock
        self.logger = logger
    }

    /// Buys `quantity` units for `user`. No SQL is read before the strategy is asked, except for the earlier
    /// purchase of an idempotency key; `fenced` reads it once when Redis has lost its numbers.
    ///
    /// - Throws: ``InventoryError`` with the timings so far: `.invalidField` for a quantity outside 1 to
    ///   10^9; `.redisUnavailable`, `.redisRefused`, `.outcomeUnknown`, `.stockUnknown`, `.leaseLost` or
    ///   `.cancelled` of the reservation; `.ledgerUnavailable`, `.ledgerOverloaded` or `.unknownUser` of the
    ///   record. After every one of them no purchase exists and the units are back in stock, as far as
    ///   Redis can be reached and, under a lock, the lock be had within the patience of a buyer. Where not, the
    ///   reservation stays open.
    public func purchase(
        product: ProductID, quantity: Int, for user: UserID, idempotencyKey: IdempotencyKey? = nil
    ) async throws(InventoryError) -> PurchaseReport {
        guard (1...Bounds.units).contains(quantity) else {
            throw .invalid("quantity", "must be a whole number from 1 to \(Bounds.units)")
        }
        if let idempotencyKey, let earlier = try await store.purchase(of: user, under: idempotencyKey) {
            return PurchaseReport(
                outcome: try Self.repeated(earlier, product: product, quantity: quantity),
                timings: PurchaseTimings())
        }
        let start = ContinuousClock.now
        let reservation = Reservation(
            id: ReservationID(random: random), product: product, quantity: quantity,
            deadline: start + settings.patience)
        func sale(_ fence: Fence?) -> Sale {
            Sale(
                reservation: reservation.id, user: user, product: product, quantity: quantity,
                idempotencyKey: idempotencyKey, strategy: settings.strategy.rawValue, fence: fence,
                purchasedAt: clock.now)
        }
        var timings = PurchaseTimings()
        let decision: ReserveOutcome.Decision
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(reservation)
            timings.evidence = outcome.evidence
            timings.redis = start.duration(to: .now)
            decision = outcome.decision
        } catch {
            timings.evidence = error.evidence
            timings.redis = start.duration(to: .now)
            return try await unanswered(error, reservation, timings)
        }
        switch decision {
        case .soldOut: return PurchaseReport(outcome: .soldOut, timings: timings)
        case .contended: return PurchaseReport(outcome: .contended, timings: timings)
        case .reserved(_, let fence):
            return try await finish(sale(fence), timings)
        case .leftToLedger:
            let report = try await finish(sale(nil), timings)
            // Nothing had been promised before, so this is the first word and not a refusal of an earlier one.
            guard case .oversellRefused = report.outcome else { return report }
            return PurchaseReport(outcome: .soldOut, timings: report.timings)
        }
    }

    /// The strategy could not answer. Gives back what it may have taken, and tells a product without stock
    /// from one that does not exist.
    private func unanswered(
        _ error: StrategyError, _ reservation: Reservation, _ timings: PurchaseTimings
    ) async throws(InventoryError) -> PurchaseReport {
        switch error.code {
        case .outcomeUnknown, .cancelled:
            await Self.shielded {
                await self.giveBack(reservation.id, of: reservation.product, because: error)
            }
        case .notStocked:
            do throws(InventoryError) {
                if try await store.product(reservation.product) == nil {
                    return PurchaseReport(outcome: .productNotFound, timings: timings)
                }
            } catch {
                var error = error
                error.timings = timings
                throw error
            }
        case .unavailable, .timedOut, .refused, .invalidStock, .invalidRequest, .leaseLost:
            break
        }
        throw InventoryError(error, timings: timings)
    }

    /// Records the sale and ends the reservation, one way or the other.
    private func finish(
        _ sale: Sale, _ timings: PurchaseTimings
    ) async throws(InventoryError) -> PurchaseReport {
        let result = await Self.shielded { await self.recordAndSettle(sale, timings) }
        return try result.get()
    }

    private func recordAndSettle(
        _ sale: Sale, _ before: PurchaseTimings
    ) async -> Result<PurchaseReport, InventoryError> {
        var timings = before
        let start = ContinuousClock.now
        let recorded: Result<RecordOutcome, InventoryError>
        do throws(InventoryError) {
            recorded = .success(try await store.record(sale))
        } catch {
            recorded = .failure(error)
        }
        let end = ContinuousClock.now
        timings.sql = start.duration(to: end)
        let outcome: Result<PurchaseOutcome, InventoryError>
        switch recorded {
        case .success(.recorded(let purchase)):
            await clear(sale)
            outcome = .success(.purchased(purchase))
        case .success(.alreadyRecorded(let earlier)):
            // Two requests with one key at the same time: this one was second.
            await giveBack(sale.reservation, of: sale.product, because: "its idempotency key is used")
            do throws(InventoryError) {
                outcome = .success(
                    try Self.repeated(earlier, product: sale.product, quantity: sale.quantity))
            } catch {
                outcome = .failure(error)
            }
        case .success(.oversellRefused) where stock.layout == .ledger:
            outcome = .success(.oversellRefused)
        case .success(.oversellRefused):
            logger.error(
                "oversell refused by the ledger: the strategy let too many buyers in",
                metadata: [
                    "product": "\(sale.product)", "reservation": "\(sale.reservation)",
                    "strategy": "\(sale.strategy)",
                ])
            // The units never existed, so they do not go back to the stock.
            await clear(sale)
            outcome = .success(.oversellRefused)
        case .success(.productNotFound):
            // A stock without a product: nothing that could be sold.
            await clear(sale)
            outcome = .success(.productNotFound)
        case .failure(let error):
            await giveBack(sale.reservation, of: sale.product, because: error)
            outcome = .failure(error)
        }
        timings.redis += end.duration(to: .now)
        return outcome.map { PurchaseReport(outcome: $0, timings: timings) }.mapError { error in
            var error = error
            error.timings = timings
            return error
        }
    }

    private static func repeated(
        _ earlier: Purchase, product: ProductID, quantity: Int
    ) throws(InventoryError) -> PurchaseOutcome {
        guard earlier.product == product, earlier.quantity == quantity else {
            throw InventoryError(
                .idempotencyMismatch, "this Idempotency-Key was used for a purchase with another body")
        }
        return .repeated(earlier)
    }

    /// The purchase stands whatever happens here: an uncleared reservation only waits for the reconciler.
    private func clear(_ sale: Sale) async {
        do throws(InventoryError) {
            try await stock.clear(sale.reservation, of: sale.product)
        } catch {
            logger.warning(
                "a finished reservation could not be cleared",
                metadata: [
                    "product": "\(sale.product)", "reservation": "\(sale.reservation)", "error": "\(error)",
                ])
        }
    }

    private func giveBack(
        _ id: ReservationID, of product: ProductID, because reason: some Sendable & CustomStringConvertible
    ) async {
        do throws(StrategyError) {
            let units = try await strategy.cancel(id, of: product, deadline: .now + settings.patience)
            logger.info(
                "reservation ended without a sale",
                metadata: [
                    "product": "\(product)", "reservation": "\(id)", "units": "\(units)",
                    "reason": "\(reason)",
                ])
        } catch {
            logger.warning(
                "a reservation without a sale could not be given back",
                metadata: [
                    "product": "\(product)", "reservation": "\(id)", "reason": "\(reason)",
                    "error": "\(error)",
                ])
        }
    }

    /// Runs `work` to its end even when the caller is cancelled. It is bounded by the time limits of Redis
    /// and by the ledger's queue.
    private static func shielded<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value {
        await Task { await work() }.value
    }
}
