import LockStrategies
import Testing

@testable import InventoryService

/// What the ledger's word means for the reservation and for the buyer, one row a word.
@Suite("A settlement")
struct SettlementTests {
    private static let sale = Sale(
        reservation: ReservationID(random: .seeded(1)), user: UserID(3), product: ProductID(7), quantity: 2,
        idempotencyKey: nil, strategy: "lua-atomic", fence: nil, purchasedAt: WallClock.system.now)

    private static func purchase(of product: Int64, units: Int = 2) -> Purchase {
        Purchase(
            id: PurchaseID(1), user: UserID(3), product: ProductID(product), quantity: units, totalPrice: 20,
            purchasedAt: sale.purchasedAt)
    }

    private static func settled(
        _ outcome: RecordOutcome, layout: StockLayout = .oneKey
    ) -> Settlement {
        Settlement(of: sale, .success(outcome), layout: layout)
    }

    private func refusal(_ settlement: Settlement) -> InventoryError.Code? {
        if case .failure(let error) = settlement.answer { error.code } else { nil }
    }

    @Test("of a row clears the reservation and tells of the purchase")
    func recorded() throws {
        let settlement = Self.settled(.recorded(Self.purchase(of: 7)))
        #expect(settlement.reservation == .cleared(afterSale: true))
        #expect(try settlement.answer.get() == .purchased(Self.purchase(of: 7)))
        #expect(!settlement.isStockInDoubt && !settlement.isOversell)
    }

    @Test("of a key that has bought already gives the units back and tells of the earlier purchase")
    func repeated() throws {
        let settlement = Self.settled(.alreadyRecorded(Self.purchase(of: 7)))
        #expect(settlement.reservation == .givenBack(because: "its idempotency key is used"))
        #expect(try settlement.answer.get() == .repeated(Self.purchase(of: 7)))
    }

    @Test("of a key that bought something else gives the units back too", arguments: [(8, 2), (7, 1)])
    func mismatch(product: Int64, units: Int) {
        let settlement = Self.settled(.alreadyRecorded(Self.purchase(of: product, units: units)))
        #expect(settlement.reservation == .givenBack(because: "its idempotency key is used"))
        #expect(refusal(settlement) == .idempotencyMismatch)
    }

    @Test("of a stock that was replaced gives the units back and doubts the stock")
    func replaced() {
        let settlement = Self.settled(.stockReplaced)
        #expect(settlement.reservation == .givenBack(because: "its stock was filled anew"))
        #expect(settlement.isStockInDoubt && refusal(settlement) == .stockReplaced)
    }

    @Test("of a reservation that was returned meanwhile touches nothing")
    func ended() {
        let settlement = Self.settled(.reservationEnded)
        #expect(settlement.reservation == .left && refusal(settlement) == .reservationEnded)
    }

    @Test("of units that never existed does not put them back, and convicts the strategy")
    func oversell() throws {
        let settlement = Self.settled(.oversellRefused)
        #expect(settlement.reservation == .cleared(afterSale: false) && settlement.isOversell)
        #expect(try settlement.answer.get() == .oversellRefused)
    }

    @Test("of a stock that is in the ledger only convicts nobody: nothing was reserved")
    func inLedger() throws {
        let settlement = Self.settled(.oversellRefused, layout: .ledger)
        #expect(settlement.reservation == .left && !settlement.isOversell)
        #expect(try settlement.answer.get() == .oversellRefused)
    }

    @Test("of a user at the limit gives the units back; of a product that is gone it does not")
    func refused() throws {
        let limit = Self.settled(.limitReached)
        #expect(limit.reservation == .givenBack(because: "the user has as many as one may"))
        #expect(try limit.answer.get() == .limitReached)
        let gone = Self.settled(.productNotFound)
        #expect(gone.reservation == .cleared(afterSale: false))
        #expect(try gone.answer.get() == .productNotFound)
    }

    @Test(
        "of an error gives the units back, unless the row may exist", arguments: InventoryError.Code.allCases)
    func failed(code: InventoryError.Code) {
        let settlement = Settlement(
            of: Self.sale, .failure(InventoryError(code, "why")), layout: .oneKey)
        let isLeft = settlement.reservation == .left
        #expect(isLeft == (code == .recordUnknown))
        #expect(refusal(settlement) == code)
    }
}
