public import LockStrategies
import RedisClient

/// Changes of what is on sale: units that come, and units that go without a sale.
///
/// Units that go are reserved as a buyer's would be, so the stock never falls below zero; units that come
/// reach the stock as the return of a reservation, so no lock holder overwrites them. The ledger has the last
/// word in both, and what a crash leaves half done is finished by the reconciler.
public struct SupplyService<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>: Sendable {
    public enum Outcome: Sendable, Hashable {
        case adjusted(StockAccount)
        case productNotFound
        /// Fewer units are left than were to go.
        case belowZero
        /// More units than the lab can count.
        case outOfRange
        /// The lock was not obtained in time; nothing was changed.
        case contended
    }

    private let strategy: Strategy
    private let store: Store
    private let stock: StockStore<Redis>
    private let gate: SalesGate
    private let soldOut: SoldOutWord
    private let patience: Duration
    private let ids: ReservationIDs
    private let clock: WallClock
    private let now: @Sendable () -> ContinuousClock.Instant
    private let crashPoints: CrashPoints

    /// - Parameters:
    ///   - gate: The same as that of the purchases.
    ///   - clock: What a movement is dated by, and what reservation ids rise with.
    ///   - now: What deadlines are counted by; the strategy has the same.
    public init(
        strategy: Strategy, store: Store, stock: StockStore<Redis>, gate: SalesGate = .open,
        patience: Duration = .seconds(5), random: RandomSource = .system, clock: WallClock = .system,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, crashPoints: CrashPoints = .none
    ) {
        self.strategy = strategy
        self.store = store
        self.stock = stock
        self.gate = gate
        self.patience = patience
        ids = ReservationIDs(random: random, clock: clock, server: store.company?.own)
        soldOut = SoldOutWord(gate, store.company)
        self.clock = clock
        self.now = now
        self.crashPoints = crashPoints
    }

    /// Adds `delta` units to the stock of a product, or takes them away.
    ///
    /// - Throws: ``InventoryError``: `.invalidField` for a delta of 0 or beyond ``Bounds``, or a reason that
    ///   has not 1 to 200 characters; the errors of a purchase. After an error of units that come they may be
    ///   in the ledger already; they are on sale at the latest after the next reconciliation.
    public func adjust(
        _ product: ProductID, by delta: Int, because reason: String, actor: UserID
    ) async throws(InventoryError) -> Outcome {
        guard delta != 0, (-Bounds.units...Bounds.units).contains(delta) else {
            throw .invalid("delta", "must be a whole number from -\(Bounds.units) to \(Bounds.units), not 0")
        }
        let length = reason.unicodeScalars.count
        guard SupplyMovement.reasonLength.contains(length), !reason.unicodeScalars.contains("\0") else {
            throw .invalid("reason", "must have 1 to 200 characters")
        }
        let id = ids.next()
        let movement = { @Sendable (epoch: StockEpoch?) in
            SupplyMovement(
                id: id, product: product, delta: delta, reason: reason, actor: actor, epoch: epoch,
                time: clock.now)
        }
        gate.enter(id)
        gate.beginAdjusting(product)
        let result = await uncancelled { () -> Result<Outcome, InventoryError> in
            do throws(InventoryError) {
                return .success(
                    try await delta > 0 || stock.layout == .ledger
                        ? bring(movement(nil)) : take(id, product, -delta, movement))
            } catch {
                return .failure(error)
            }
        }
        gate.endAdjusting(product)
        gate.leave(id)
        return try result.get()
    }

    private func bring(_ movement: SupplyMovement) async throws(InventoryError) -> Outcome {
        let account: StockAccount
        switch try await store.record(movement) {
        case .recorded(let recorded): account = recorded
        case .outOfRange: return movement.delta < 0 ? .belowZero : .outOfRange
        case .productNotFound: return .productNotFound
        case .stockReplaced, .reservationEnded: throw Self.overtaken
        }
        crashPoints.pass(.afterSupply)
        guard stock.layout != .ledger else {
            await settle(movement.id)
            return .adjusted(account)
        }
        let isOffered: Bool
        do throws(InventoryError) {
            isOffered = try await stock.offer(
                movement.delta, of: movement.product, as: movement.id, in: account.epoch)
        } catch {
            // The ledger has them; comparing it with the stock brings them on sale.
            gate.doubt(movement.product)
            throw error
        }
        crashPoints.pass(.afterOffer)
        guard isOffered else {
            // Redis holds another filling. A newer one has these units already; an older one is replaced,
            // and one that is under way now may be without them.
            gate.doubt(movement.product)
            return .adjusted(account)
        }
        do throws(StrategyError) {
            _ = try await strategy.cancel(movement.id, of: movement.product, deadline: now() + patience)
        } catch {
            gate.doubt(movement.product)
            throw InventoryError(error, timings: PurchaseTimings(evidence: error.evidence))
        }
        await settle(movement.id)
        return .adjusted(account)
    }

    /// The units are in the stock. What the ledger does not take here, the next comparison settles.
    private func settle(_ id: ReservationID) async {
        try? await store.company?.settleSupply([id])
    }

    private func take(
        _ id: ReservationID, _ product: ProductID, _ units: Int,
        _ movement: @Sendable (StockEpoch?) -> SupplyMovement
    ) async throws(InventoryError) -> Outcome {
        let reserved: ReserveOutcome
        do throws(StrategyError) {
            reserved = try await strategy.reserve(
                Reservation(id: id, product: product, quantity: units, deadline: now() + patience))
        } catch {
            if error.code == .notStocked {
                if try await store.product(product) == nil { return .productNotFound }
                gate.report(product)
            }
            _ = await stock.finishing {
                try? await strategy.cancel(id, of: product, deadline: now() + patience)
            }
            throw InventoryError(error, timings: PurchaseTimings(evidence: error.evidence))
        }
        switch reserved.decision {
        case .soldOut:
            guard try await soldOut.isLast(of: product) else { throw Self.overtaken }
            return .belowZero
        case .contended: return .contended
        case .leftToLedger, .reserved: break
        }
        let outcome: SupplyOutcome
        do throws(InventoryError) {
            guard let epoch = reserved.epoch, gate.isOpen else { throw Self.overtaken }
            outcome = try await store.record(movement(epoch))
        } catch {
            switch Settlement.ending(after: error) {
            case .givenBack: await giveBack(id, of: product)
            // The movement may be there: the reconciler can read what became of it.
            case .left, .cleared: gate.report(product)
            }
            throw error
        }
        switch outcome {
        case .recorded(let account):
            // The movement stands whatever happens here: the reconciler clears what is left.
            try? await stock.clear(id, of: product)
            return .adjusted(account)
        case .productNotFound:
            try? await stock.clear(id, of: product)
            return .productNotFound
        case .outOfRange:
            // The stock held units that the ledger does not have.
            gate.report(product)
            await giveBack(id, of: product)
            return .belowZero
        case .stockReplaced, .reservationEnded:
            gate.report(product)
            await giveBack(id, of: product)
            throw Self.overtaken
        }
    }

    private func giveBack(_ id: ReservationID, of product: ProductID) async {
        do throws(StrategyError) {
            _ = try await stock.finishing { () throws(StrategyError) in
                try await strategy.cancel(id, of: product, deadline: now() + patience)
            }
        } catch {
            gate.report(product)
        }
    }

    private static var overtaken: InventoryError {
        InventoryError(
            .stockReplaced, "the stock of this product is being filled anew; nothing was changed, try again")
    }
}
