import LockStrategies
import Testing

@testable import InventoryService

@Suite("What a reconciliation decides")
struct ReconcileDecisionTests {
    private let epoch = StockEpoch(origin: "ledger", number: 4)

    private func account(
        supplied: Int = 100, sold: Int = 0, epoch: Int64 = 4, isDeleted: Bool = false
    ) -> StockAccount {
        StockAccount(
            product: ProductID(1), supplied: supplied, sold: sold,
            epoch: StockEpoch(origin: "ledger", number: epoch), isDeleted: isDeleted)
    }

    private func stock(_ units: Int?, open: [String: Int] = [:]) -> StockSnapshot {
        var stock = StockSnapshot()
        stock.units = units
        stock.epochs = [epoch]
        for (id, units) in open { stock.open[ReservationID(named: id)] = units }
        return stock
    }

    private func decide(
        _ before: StockAccount, _ stock: StockSnapshot, _ after: StockAccount? = nil,
        working: Set<String> = [], recorded: Set<String> = [], isAdjusting: Bool = false
    ) -> ReconcileDecision {
        ReconcileDecision(
            .init(
                before: before, stock: stock, working: Set(working.map { ReservationID(named: $0) }),
                recorded: Set(recorded.map { ReservationID(named: $0) }), after: after ?? before,
                isAdjusting: isAdjusting))
    }

    @Test("Ledger and stock agree: nothing is done")
    func agreement() {
        let decision = decide(account(sold: 30), stock(70))
        #expect(decision == decide(account(sold: 0), stock(100)))
        #expect(decision.fill == nil && decision.clear.isEmpty && decision.giveBack.isEmpty)
    }

    @Test(
        "A drift that a second look has not confirmed fills nothing; a stock that is missing is filled all the same"
    )
    func unconfirmed() {
        let drifting = decide(account(supplied: 120, sold: 15), stock(90, open: ["a": 5]), working: ["a"])
        #expect(drifting.fill == .drift && drifting.drift == 10)
        let calm = drifting.withoutDrift()
        #expect(calm.fill == nil && calm.drift == 0)
        #expect(decide(account(), stock(nil)).withoutDrift().fill == .missing)
    }

    @Test(
        "A recorded reservation is cleared, one that nobody works on goes back, one in work is left alone, sold or not"
    )
    func reservations() {
        let decision = decide(
            account(sold: 7), stock(86, open: ["sold": 5, "dead": 3, "alive": 4, "waits": 2]),
            working: ["alive", "waits"], recorded: ["sold", "waits"])
        #expect(decision.clear == [ReservationID(named: "sold")])
        #expect(decision.giveBack == [ReservationID(named: "dead")])
        #expect(decision.drift == 0 && decision.fill == nil)
    }

    @Test(
        "A stock that is missing, older, newer, of a part of its buckets or without a name is filled",
        arguments: [0, 1, 2, 3, 4])
    func fills(shape: Int) {
        var found = stock(100)
        switch shape {
        case 0: found.units = nil
        case 1: found.epochs = [StockEpoch(origin: "ledger", number: 3)]
        case 2: found.epochs = [StockEpoch(origin: "ledger", number: 5)]
        case 3: found.epochs.insert(StockEpoch(origin: "ledger", number: 3))
        default: (found.epochs, found.isNamed) = ([], false)
        }
        let decision = decide(account(), found)
        #expect(decision.fill == (shape == 0 ? .missing : .outdated))
        #expect(decision.drift == 0)
    }

    @Test(
        "Missing and surplus units are drift, in rest exactly",
        arguments: [(90, 10), (110, -10), (100, 0)])
    func drift(units: Int, expected: Int) {
        let decision = decide(account(supplied: 120, sold: 15), stock(units, open: ["a": 5]), working: ["a"])
        #expect(decision.drift == expected)
        #expect(decision.fill == (expected == 0 ? nil : .drift))
        #expect(decision.isComplete == (units >= 100))
    }

    @Test("While units are sold, only what those sales cannot explain is drift", arguments: -30...30)
    func driftInMotion(difference: Int) {
        // 10 units were sold between the two accounts, before or after the stock was looked at.
        let decision = decide(account(sold: 20), stock(80 - difference), account(sold: 30))
        let least = difference - 10
        let expected = least > 0 ? least : min(difference, 0)
        #expect(decision.drift == expected)
        #expect(decision.isComplete == (difference <= 0))
    }

    @Test("No drift is seen while supply changes, nor across a filling")
    func noJudgement() {
        #expect(decide(account(), stock(50), account(supplied: 150)).fill == nil)
        #expect(decide(account(), stock(50), isAdjusting: true).fill == nil)
        #expect(decide(account(epoch: 3), stock(50), account(epoch: 4)).fill == nil)
        #expect(!decide(account(), stock(150), isAdjusting: true).isComplete)
    }

    @Test("A deleted product loses its stock, and nothing else is done for it")
    func deleted() {
        let decision = decide(account(isDeleted: true), stock(70, open: ["dead": 1]))
        #expect(decision.drop)
        #expect(decision.giveBack.isEmpty && decision.fill == nil)
        var gone = StockSnapshot()
        gone.isNamed = false
        #expect(!decide(account(isDeleted: true), gone).drop)
    }
}

extension ReservationID {
    /// A name that is one.
    fileprivate init(named name: String) {
        guard let id = ReservationID(stored: name) else { preconditionFailure("\(name) is no id") }
        self = id
    }
}
