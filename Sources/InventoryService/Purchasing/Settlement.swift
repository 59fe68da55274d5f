import LockStrategies

/// What the ledger's word about a sale means: what becomes of the reservation, and what the buyer is told.
/// Pure; ``PurchaseService`` does what it says.
struct Settlement: Sendable {
    enum Ending: Sendable, Equatable {
        /// Its units are gone for good: sold, or never there.
        case cleared(afterSale: Bool)
        case givenBack(because: String)
        /// It has ended already, it never was, or a purchase may exist.
        case left
    }

    let reservation: Ending
    let answer: Result<PurchaseOutcome, InventoryError>
    /// Redis may hold another stock than the ledger says.
    let isStockInDoubt: Bool
    /// The strategy let through what the ledger had to refuse.
    let isOversell: Bool

    /// - Parameter layout: Where the strategy keeps its units.
    init(of sale: Sale, _ recorded: Result<RecordOutcome, InventoryError>, layout: StockLayout) {
        var (isInDoubt, isOversell) = (false, false)
        switch recorded {
        case .success(.recorded(let purchase)):
            reservation = .cleared(afterSale: true)
            answer = .success(.purchased(purchase))
        case .success(.alreadyRecorded(let earlier)):
            // Two requests with one key at the same time: this one was second.
            reservation = .givenBack(because: "its idempotency key is used")
            answer = Self.repeated(earlier, product: sale.product, quantity: sale.quantity)
        case .success(.stockReplaced):
            isInDoubt = true
            reservation = .givenBack(because: "its stock was filled anew")
            answer = .failure(InventoryError(.stockReplaced, Self.replacedSentence))
        case .success(.reservationEnded):
            reservation = .left
            answer = .failure(
                InventoryError(
                    .reservationEnded, "the reservation was returned meanwhile; nothing was bought"))
        case .success(.oversellRefused):
            // Where the ledger holds the stock, this is its first word and refuses nobody who was let
            // through.
            isOversell = layout != .ledger
            // The units never existed, so they do not go back to the stock.
            reservation = isOversell ? .cleared(afterSale: false) : .left
            answer = .success(.oversellRefused)
        case .success(.limitReached):
            reservation = .givenBack(because: "the user has as many as one may")
            answer = .success(.limitReached)
        case .success(.productNotFound):
            // A stock without a product: nothing that could be sold.
            reservation = .cleared(afterSale: false)
            answer = .success(.productNotFound)
        case .failure(let error):
            reservation = Self.ending(after: error)
            answer = .failure(error)
        }
        (isStockInDoubt, self.isOversell) = (isInDoubt, isOversell)
    }

    /// What becomes of a reservation whose record failed. Where the row may exist, it stays open, for whoever
    /// can read what became of it.
    static func ending(after error: InventoryError) -> Ending {
        error.code == .recordUnknown ? .left : .givenBack(because: "\(error)")
    }

    static let replacedSentence =
        "the stock of this product is being filled anew; nothing was bought, try again"

    static var mismatch: InventoryError {
        InventoryError(
            .idempotencyMismatch, "this Idempotency-Key was used for a purchase with another body")
    }

    /// The answer under a key that bought before, for one product and quantity.
    fileprivate static func repeated(
        _ earlier: Purchase, product: ProductID, quantity: Int
    ) -> Result<PurchaseOutcome, InventoryError> {
        guard earlier.product == product, earlier.quantity == quantity else { return .failure(mismatch) }
        return .success(.repeated(earlier))
    }
}

extension StoredAnswer {
    /// The answer that the key has, given again.
    ///
    /// - Throws: `.idempotencyMismatch` for an order with another body.
    func answer(to order: PurchaseOrder) throws(InventoryError) -> PurchaseOutcome {
        switch self {
        case .purchase(let earlier):
            return try Settlement.repeated(earlier, product: order.product, quantity: order.quantity).get()
        case .refusal(let refusal):
            guard refusal.product == order.product, refusal.quantity == order.quantity else {
                throw Settlement.mismatch
            }
            return switch refusal.outcome {
            case .soldOut: .soldOut
            case .oversellRefused: .oversellRefused
            case .productNotFound: .productNotFound
            }
        }
    }
}
