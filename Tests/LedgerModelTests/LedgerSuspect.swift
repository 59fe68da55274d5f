import InventoryService
import LockStrategies
import Synchronization

@testable import LedgerModel

/// The model side of a comparison: as it is, or with a fault that the comparison has to find.
enum LedgerSuspect: String, Sendable, CaseIterable {
    case faithful
    /// A reservation that was ended can still be sold.
    case sellsEnded
    /// More can be sold than was supplied.
    case oversells
    /// A key gets the answer that another user got under it.
    case confusesAnswers
    /// A purchase's limit for each user is not looked at.
    case ignoresLimits
    /// The number of a product that was taken back is given again.
    case reusesNumbers
    /// Old refusals are not forgotten.
    case keepsRefusals

    func outcome(of step: LedgerStep, on ledger: ModelLedger) async -> String {
        let before = ledger.snapshot
        switch (self, step) {
        case (.sellsEnded, .recordSale): ledger.tamper { $0.endings = [:] }
        case (.oversells, .recordSale): Self.supply(5, to: ledger)
        default: break
        }
        let outcome = await mistaken(step, before).outcome(on: ledger)
        switch (self, step) {
        case (.sellsEnded, .recordSale): ledger.tamper { $0.endings = before.endings }
        case (.oversells, .recordSale): Self.supply(-5, to: ledger)
        case (.reusesNumbers, .withdrawProduct):
            ledger.tamper { $0.lastProduct = $0.products.last?.id.rawValue ?? 0 }
        case (.keepsRefusals, .forgetEnded): ledger.tamper { $0.refusals = before.refusals }
        default: break
        }
        return outcome
    }

    /// The call that a ledger with this fault carries out.
    private func mistaken(_ step: LedgerStep, _ model: LedgerModel) -> LedgerStep {
        switch (self, step) {
        case (.confusesAnswers, .answer(let user, let key)):
            let buyer = model.purchases.first { $0.key == key }?.purchase.user
            return .answer(buyer ?? user, key)
        case (.ignoresLimits, .recordSale(let sale)):
            return .recordSale(
                Sale(
                    reservation: sale.reservation, user: sale.user, product: sale.product,
                    quantity: sale.quantity, idempotencyKey: sale.idempotencyKey, strategy: sale.strategy,
                    fence: sale.fence, epoch: sale.epoch, purchasedAt: sale.purchasedAt))
        default: return step
        }
    }

    private static func supply(_ units: Int, to ledger: ModelLedger) {
        ledger.tamper { model in
            for place in model.products.indices { model.products[place].supplied += units }
        }
    }
}

extension ModelLedger {
    /// Changes what is on the disk behind the back of the ledger.
    fileprivate func tamper(_ change: (inout LedgerModel) -> Void) {
        state.withLock { change(&$0.model) }
    }
}
