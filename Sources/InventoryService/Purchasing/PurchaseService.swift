public import LockStrategies
public import Logging
import RedisClient

/// Sells units of products: the strategy takes them from the stock in Redis, the ledger makes it final.
///
/// One reservation id travels through the purchase. Redis is the filter that lets buyers in; the ledger has
/// the last word and sells no more than was supplied, whatever the strategy did. Once units are reserved
/// the bookkeeping is finished even when the caller is cancelled.
public struct PurchaseService<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>: Sendable {
    private let strategy: Strategy
    private let store: Store
    private let stock: StockStore<Redis>
    private let settings: ServiceSettings
    private let ids: ReservationIDs
    private let clock: WallClock
    private let now: @Sendable () -> ContinuousClock.Instant
    private let gate: SalesGate
    private let soldOut: SoldOutWord
    private let clearing: ClearingQueue<Redis>?
    private let crashPoints: CrashPoints
    private let logger: Logger
    private let desk = IdempotencyDesk()
    private let hoarding = HoardingGuard()

    /// - Parameters:
    ///   - gate: The same as that of the reconciler of this process.
    ///   - clock: What a purchase is dated by, and what reservation ids rise with.
    ///   - clearing: Takes the reservations whose purchase is decided, with the same gate; its owner waits
    ///     for the end of it. Without it a buyer waits until the reservation is cleared.
    ///   - now: What deadlines and timings are counted by; the strategy has the same.
    public init(
        strategy: Strategy, store: Store, stock: StockStore<Redis>, settings: ServiceSettings,
        gate: SalesGate = .open, clearing: ClearingQueue<Redis>? = nil, random: RandomSource = .system,
        clock: WallClock = .system,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, crashPoints: CrashPoints = .none,
        logger: Logger
    ) {
        self.strategy = strategy
        self.store = store
        self.stock = stock
        self.settings = settings
        ids = ReservationIDs(random: random, clock: clock, server: store.company?.own)
        soldOut = SoldOutWord(gate, store.company)
        self.clock = clock
        self.now = now
        self.gate = gate
        self.clearing = clearing
        self.crashPoints = crashPoints
        self.logger = logger
    }

    /// Requests that wait for the answer to another one under their idempotency key.
    var waitingUnderKeys: Int { desk.waitingCount }

    /// Buys what is ordered. No SQL is read before the strategy is asked, except for the earlier answer to an
    /// idempotency key; `fenced` reads it once when Redis has lost its numbers.
    ///
    /// One key, one answer: the first purchase, or the first refusal that is final, is given again to every
    /// later call with the same key and body, after a restart too; a call that comes meanwhile waits for it.
    /// A lock that was not obtained and an error leave the key as it was.
    ///
    /// - Throws: ``InventoryError`` with the timings so far: `.invalidField` for a quantity outside 1 to
    ///   10^9; `.idempotencyMismatch`; `.redisUnavailable`, `.redisRefused`, `.outcomeUnknown`,
    ///   `.stockUnknown`, `.stockReplaced`, `.reservationEnded`, `.leaseLost` or `.cancelled` of the
    ///   reservation; `.ledgerUnavailable`, `.ledgerOverloaded`, `.ledgerFull` or `.unknownUser` of the
    ///   record. After every one of them no purchase exists and the units are back in stock, as far as Redis
    ///   can be reached and, under a lock, the lock be had within the patience of a buyer. Where not, the
    ///   reservation stays open until it is reconciled; so it does after `.recordUnknown`, when a purchase
    ///   may exist.
    public func purchase(_ order: PurchaseOrder) async throws(InventoryError) -> PurchaseReport {
        guard (1...Bounds.units).contains(order.quantity) else {
            throw .invalid("quantity", "must be a whole number from 1 to \(Bounds.units)")
        }
        guard let key = order.key else { return try await buy(order) }
        return try await purchase(order, under: key)
    }

    private func purchase(
        _ order: PurchaseOrder, under key: IdempotencyKey
    ) async throws(InventoryError) -> PurchaseReport {
        let ticket = IdempotencyDesk.Ticket(user: order.user, key: key)
        let body = IdempotencyDesk.Body(product: order.product.rawValue, quantity: order.quantity)
        while true {
            switch await desk.enter(ticket, body) {
            case .first:
                return try await answer(order, ticket)
            case .answered(.failure(let error)) where error.code == .cancelled && !Task.isCancelled:
                // The other client went away; this one is here and takes its turn.
                continue
            case .answered(let answer):
                return try answer.get().repeated
            case .mismatch:
                throw Settlement.mismatch
            }
        }
    }

    /// As ``purchase(_:)``.
    public func purchase(
        product: ProductID, quantity: Int, for user: UserID, idempotencyKey: IdempotencyKey? = nil
    ) async throws(InventoryError) -> PurchaseReport {
        try await purchase(
            PurchaseOrder(product: product, quantity: quantity, user: user, key: idempotencyKey))
    }

    /// The answer that the key has, or else a purchase, whose answer the key then has.
    private func answer(
        _ order: PurchaseOrder, _ ticket: IdempotencyDesk.Ticket
    ) async throws(InventoryError) -> PurchaseReport {
        let result: Result<PurchaseReport, InventoryError>
        do throws(InventoryError) {
            if let stored = try await store.answer(to: ticket.user, under: ticket.key) {
                result = .success(
                    PurchaseReport(outcome: try stored.answer(to: order), timings: PurchaseTimings()))
            } else {
                let report = try await buy(order)
                if let refusal = report.outcome.refusal {
                    try await store.record(
                        PurchaseRefusal(
                            user: ticket.user, key: ticket.key, product: order.product,
                            quantity: order.quantity, outcome: refusal, refusedAt: clock.now))
                }
                result = .success(report)
            }
        } catch {
            result = .failure(error)
        }
        desk.leave(ticket, with: result)
        return try result.get()
    }

    /// What one user reserves at the same time stays within the limit too, so that nobody empties the stock
    /// for others with calls that the ledger refuses in the end. Who has as many as one may is refused before
    /// anything is reserved: each reservation that ends without a sale leaves a mark in Redis for a while.
    private func buy(_ order: PurchaseOrder) async throws(InventoryError) -> PurchaseReport {
        guard let limit = settings.perUserLimit else { return try await reserve(order) }
        return try await buy(order, within: limit)
    }

    private func buy(
        _ order: PurchaseOrder, within limit: Int
    ) async throws(InventoryError) -> PurchaseReport {
        let key = HoardingGuard.Key(user: order.user, product: order.product)
        guard hoarding.enter(key, units: order.quantity, limit: limit) else {
            return PurchaseReport(outcome: .limitReached, timings: PurchaseTimings())
        }
        defer { hoarding.leave(key, units: order.quantity) }
        guard try await store.unitsBought(by: order.user, of: order.product) <= limit - order.quantity else {
            return PurchaseReport(outcome: .limitReached, timings: PurchaseTimings())
        }
        return try await reserve(order)
    }

    private func reserve(_ order: PurchaseOrder) async throws(InventoryError) -> PurchaseReport {
        guard stock.layout == .ledger || gate.isOpen else {
            gate.report(nil)
            throw InventoryError(.stockUnknown, "the stock is being compared with the ledger; try again")
        }
        let start = now()
        let attempt = PurchaseAttempt(
            order,
            Reservation(
                id: ids.next(), product: order.product, quantity: order.quantity,
                deadline: start + settings.patience), at: start)
        gate.enter(attempt.id)
        defer { if !attempt.isHandedOver { gate.leave(attempt.id) } }
        return try await carryOut(attempt)
    }

    private func carryOut(_ attempt: PurchaseAttempt) async throws(InventoryError) -> PurchaseReport {
        let (decision, epoch): (ReserveOutcome.Decision, StockEpoch?)
        do throws(StrategyError) {
            (decision, epoch) = try await ask(attempt)
        } catch {
            return try await unanswered(error, attempt)
        }
        switch decision {
        case .soldOut:
            // A stock that came back older, or was filled while units came, may lack them, and the refusal
            // would be kept under its key.
            guard try await isSoldOut(attempt) else {
                throw InventoryError(
                    .stockReplaced, Settlement.replacedSentence, timings: attempt.timings)
            }
            return attempt.report(.soldOut)
        case .contended: return attempt.report(.contended)
        case .reserved(_, let fence):
            crashPoints.pass(.afterReserve)
            guard let epoch, gate.isOpen else { return try await abandon(attempt) }
            return try await finish(attempt, fence, epoch)
        case .leftToLedger:
            let report = try await finish(attempt, nil, nil)
            // Nothing had been promised before, so this is the first word and not a refusal of an earlier
            // one.
            guard case .oversellRefused = report.outcome else { return report }
            return attempt.report(.soldOut)
        }
    }

    private func ask(
        _ attempt: PurchaseAttempt
    ) async throws(StrategyError) -> (ReserveOutcome.Decision, StockEpoch?) {
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(attempt.reservation)
            attempt.answered(outcome.evidence, at: now())
            return (outcome.decision, outcome.epoch)
        } catch {
            attempt.answered(error.evidence, at: now())
            throw error
        }
    }

    @inline(never)
    private func sale(_ attempt: PurchaseAttempt, _ fence: Fence?, _ epoch: StockEpoch?) -> Sale {
        let order = attempt.order
        return Sale(
            reservation: attempt.id, user: order.user, product: order.product, quantity: order.quantity,
            idempotencyKey: order.key, strategy: settings.strategy.name, fence: fence, epoch: epoch,
            limit: settings.perUserLimit, purchasedAt: clock.now)
    }

    private func isSoldOut(_ attempt: PurchaseAttempt) async throws(InventoryError) -> Bool {
        guard stock.layout != .ledger else { return true }
        do throws(InventoryError) {
            return try await soldOut.isLast(of: attempt.order.product)
        } catch {
            throw error.with(attempt.timings)
        }
    }

    /// The units were granted from a stock that may be older than the ledger: it is nobody's word.
    private func abandon(_ attempt: PurchaseAttempt) async throws(InventoryError) -> PurchaseReport {
        let (id, product) = (attempt.id, attempt.order.product)
        gate.report(product)
        await uncancelled { await self.giveBack(id, of: product, because: "its stock is in doubt") }
        throw InventoryError(.stockReplaced, Settlement.replacedSentence, timings: attempt.timings)
    }

    /// The strategy could not answer. Gives back what it may have taken, and tells a product without stock
    /// from one that does not exist.
    private func unanswered(
        _ error: StrategyError, _ attempt: PurchaseAttempt
    ) async throws(InventoryError) -> PurchaseReport {
        let (id, product) = (attempt.id, attempt.order.product)
        switch error.code {
        case .outcomeUnknown, .cancelled:
            await uncancelled { await self.giveBack(id, of: product, because: error) }
        case .notStocked:
            do throws(InventoryError) {
                if try await store.product(product) == nil { return attempt.report(.productNotFound) }
            } catch {
                throw error.with(attempt.timings)
            }
            gate.report(product)
        case .invalidStock, .stockReplaced, .reservationEnded:
            gate.report(product)
        case .unavailable, .lockUnavailable, .timedOut, .refused, .invalidRequest, .leaseLost:
            break
        }
        throw InventoryError(error, timings: attempt.timings)
    }

    /// Records the sale and ends the reservation, one way or the other. Neither is stopped when the caller is
    /// cancelled.
    private func finish(
        _ attempt: PurchaseAttempt, _ fence: Fence?, _ epoch: StockEpoch?
    ) async throws(InventoryError) -> PurchaseReport {
        let sale = sale(attempt, fence, epoch)
        let start = now()
        let settlement = await record(sale)
        let end = now()
        attempt.timings.sql = start.duration(to: end)
        attempt.isHandedOver = await settle(sale, settlement)
        attempt.timings.redis += end.duration(to: now())
        do throws(InventoryError) {
            return attempt.report(try settlement.answer.get())
        } catch {
            throw error.with(attempt.timings)
        }
    }

    private func record(_ sale: Sale) async -> Settlement {
        do throws(InventoryError) {
            return Settlement(of: sale, .success(try await store.record(sale)), layout: stock.layout)
        } catch {
            return Settlement(of: sale, .failure(error), layout: stock.layout)
        }
    }

    /// Does what the settlement says.
    ///
    /// - Returns: Whether others tell the gate of the reservation's end.
    @inline(never)
    private func settle(_ sale: Sale, _ settlement: Settlement) async -> Bool {
        if settlement.isStockInDoubt { gate.report(sale.product) }
        if settlement.isOversell {
            logger.error(
                "oversell refused by the ledger: the strategy let too many buyers in",
                metadata: metadata(sale.reservation, sale.product, ["user_id": "\(sale.user)"]))
        }
        switch settlement.reservation {
        case .cleared(afterSale: let isSold):
            if isSold { crashPoints.pass(.afterRecord) }
            // Nothing is in Redis where the ledger holds the stock.
            guard stock.layout != .ledger else { return false }
            if let clearing, clearing.add(sale.reservation, of: sale.product) { return true }
            await uncancelled { await self.clear(sale) }
        case .givenBack(let reason):
            await uncancelled {
                await self.giveBack(sale.reservation, of: sale.product, because: reason)
            }
        case .left: break
        }
        return false
    }

    /// The purchase stands whatever happens here: an uncleared reservation only waits for the reconciler.
    private func clear(_ sale: Sale) async {
        do throws(InventoryError) {
            try await stock.clear(sale.reservation, of: sale.product)
            crashPoints.pass(.afterClear)
        } catch {
            logger.warning(
                "a finished reservation could not be cleared",
                metadata: metadata(
                    sale.reservation, sale.product, ["user_id": "\(sale.user)", "error": "\(error)"]))
        }
    }

    private func giveBack(
        _ id: ReservationID, of product: ProductID, because reason: some Sendable & CustomStringConvertible
    ) async {
        do throws(StrategyError) {
            // Behind the reservation, even if Redis is silent: that may still be carried out.
            let units = try await stock.finishing { () throws(StrategyError) in
                try await strategy.cancel(id, of: product, deadline: now() + settings.patience)
            }
            logger.info(
                "reservation ended without a sale",
                metadata: metadata(id, product, ["units": "\(units)", "reason": "\(reason)"]))
        } catch {
            logger.warning(
                "a reservation without a sale could not be given back",
                metadata: metadata(id, product, ["reason": "\(reason)", "error": "\(error)"]))
        }
    }

    /// Fields of a log line about one reservation.
    private func metadata(
        _ id: ReservationID, _ product: ProductID, _ details: Logger.Metadata
    ) -> Logger.Metadata {
        let ids: Logger.Metadata = [
            "product_id": "\(product)", "reservation_id": "\(id)", "strategy": "\(settings.strategy)",
        ]
        return ids.merging(details) { $1 }
    }
}
