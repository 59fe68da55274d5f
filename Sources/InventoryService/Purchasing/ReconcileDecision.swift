import LockStrategies

/// What to do about one product, from what ledger and Redis say. Pure: facts in, actions out.
///
/// The facts are read in this order: the account, the stock, the reservations in work, the recorded ones, the
/// account again. So a reservation that is neither in work nor recorded never will be by itself, and what was
/// sold between the two accounts bounds what cannot be known about the moment of the stock.
struct ReconcileDecision: Sendable, Hashable {
    struct Facts: Sendable, Hashable {
        let before: StockAccount
        let stock: StockSnapshot
        /// Reservations that this process is working on, or another server that lives.
        let working: Set<ReservationID>
        /// The open reservations that a purchase or a movement records.
        let recorded: Set<ReservationID>
        let after: StockAccount
        /// Units are on their way between ledger and Redis.
        let isAdjusting: Bool
        /// Supply that nobody brings into the stock any more. Where one process has the ledger, its gate
        /// knows.
        var leftSupply: [ReservationID] = []

        /// The stock without the reservations that are sold and about to be cleared: they may go at any
        /// moment, and no unit goes with them.
        var settledStock: StockSnapshot {
            var settled = stock
            for id in working.intersection(recorded) { settled.open[id] = nil }
            return settled
        }
    }

    enum Filling: String, Sendable, Hashable {
        /// Redis has no stock of the product, or none that can be read.
        case missing
        /// Redis has a filling that is not the ledger's.
        case outdated
        /// Units are missing from the stock, or too many are there.
        case drift
    }

    /// Their purchase stands: the record goes.
    private(set) var clear: [ReservationID] = []
    /// Nobody will finish them: the units go back.
    private(set) var giveBack: [ReservationID] = []
    /// The stock is to be replaced by what the ledger says.
    private(set) var fill: Filling?
    /// The product was deleted, and Redis still knows it.
    private(set) var drop = false
    /// Units that are missing (above 0) or too many (below 0); 0 also where units are on their way and
    /// nothing certain can be said.
    private(set) var drift = 0
    /// The stock for certain has all units that the ledger has.
    private(set) var isComplete = false

    init(_ facts: Facts) {
        let stock = facts.stock
        if facts.after.isDeleted {
            drop = stock.units != nil || !stock.epochs.isEmpty || !stock.open.isEmpty || !stock.ended.isEmpty
            isComplete = true
            return
        }
        guard facts.before.epoch == facts.after.epoch else { return }
        guard stock.isWhole(of: facts.after.epoch) else {
            fill = stock.units == nil ? .missing : .outdated
            return
        }
        var unsold = 0
        // In one order on every machine, so that a simulated world can be played again.
        for (id, units) in stock.open.sorted(by: { $0.key.description < $1.key.description }) {
            if facts.recorded.contains(id) {
                // One in work is sold, and about to be cleared.
                if !facts.working.contains(id) { clear.append(id) }
                continue
            }
            // Bounded where it was read, and here once more: a sum of many could overflow.
            unsold = min(unsold + units, Bounds.units * 1_000_000)
            if !facts.working.contains(id) { giveBack.append(id) }
        }
        guard facts.before.supplied == facts.after.supplied, !facts.isAdjusting, let left = stock.units
        else { return }
        let least = facts.after.supplied - left - unsold - facts.after.sold
        let most = least + facts.after.sold - facts.before.sold
        drift = least > 0 ? least : min(most, 0)
        if drift != 0 { fill = .drift }
        isComplete = most <= 0
    }

    /// The same without a filling that a second look has not confirmed.
    func withoutDrift() -> ReconcileDecision {
        var decision = self
        decision.drift = 0
        if decision.fill == .drift { decision.fill = nil }
        return decision
    }
}
