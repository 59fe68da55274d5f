import InventoryService
import LockStrategies

/// What becomes of sales that share a transaction. Pure: each sale gets the verdict that it would get alone,
/// one after the other in their order.
struct SaleBatch: Sendable {
    enum Verdict: Sendable {
        /// Nothing is written.
        case settled(RecordOutcome)
        case refused(InventoryError)
        /// A purchase of this price is written.
        case written(total: Int)
        /// The user bought under the same key with the sale at this place, which is written.
        case repeats(Int)
    }

    /// Units of one product that are sold together.
    struct Units: Sendable, Hashable {
        let product: ProductID
        let epoch: Int64
        let units: Int
    }

    let sales: [Sale]
    private(set) var verdicts: [Verdict] = []
    /// In the order of the products' numbers.
    private(set) var units: [Units] = []

    private let facts: SaleFacts
    private let origin: String
    private var sold: [ProductID: Int] = [:]
    private var bought: [SaleFacts.Share: Int] = [:]
    private var keys: [SaleFacts.Key: Int] = [:]
    private var reservations: Set<ReservationID> = []

    /// - Parameter origin: The name of the ledger in Redis.
    init(_ sales: [Sale], _ facts: SaleFacts, origin: String) {
        self.sales = sales
        self.facts = facts
        self.origin = origin
        verdicts.reserveCapacity(sales.count)
        for (place, sale) in sales.enumerated() {
            let verdict = verdict(on: sale)
            if case .written = verdict { note(sale, at: place) }
            verdicts.append(verdict)
        }
        units = sold.keys.sorted { $0.rawValue < $1.rawValue }.compactMap { product in
            guard let units = sold[product], let row = facts.products[product] else { return nil }
            return Units(product: product, epoch: row.epoch, units: units)
        }
    }

    /// The places of the sales that are written.
    var written: [Int] {
        verdicts.indices.filter { place in
            if case .written = verdicts[place] { return true }
            return false
        }
    }

    private func verdict(on sale: Sale) -> Verdict {
        if let key = Self.key(of: sale) {
            if let earlier = facts.answers[key] { return .settled(.alreadyRecorded(earlier)) }
            if let place = keys[key] { return .repeats(place) }
        }
        if let epoch = sale.epoch, epoch.origin != origin { return .settled(.stockReplaced) }
        if let limit = sale.limit {
            let share = Self.share(of: sale)
            let before = facts.bought[share, default: 0] + bought[share, default: 0]
            guard before <= limit - sale.quantity else { return .settled(.limitReached) }
        }
        if facts.ended.contains(sale.reservation) { return .settled(.reservationEnded) }
        guard let product = facts.products[sale.product] else { return .settled(.productNotFound) }
        if let epoch = sale.epoch, epoch.number != product.epoch { return .settled(.stockReplaced) }
        guard sale.quantity <= product.supplied - product.sold - sold[sale.product, default: 0] else {
            return .settled(.oversellRefused)
        }
        // What the schema refuses is refused before a number is used up.
        guard sale.quantity >= 1, !sale.strategy.utf8.contains(0),
            !facts.recorded.contains(sale.reservation), !reservations.contains(sale.reservation)
        else { return .refused(InventoryError(.ledgerUnavailable, "the ledger cannot keep this purchase")) }
        guard facts.users.contains(sale.user) else {
            return .refused(InventoryError(.unknownUser, "this user does not exist any more"))
        }
        return .written(total: product.price * sale.quantity)
    }

    private mutating func note(_ sale: Sale, at place: Int) {
        sold[sale.product, default: 0] += sale.quantity
        bought[Self.share(of: sale), default: 0] += sale.quantity
        reservations.insert(sale.reservation)
        if let key = Self.key(of: sale) { keys[key] = place }
    }

    private static func key(of sale: Sale) -> SaleFacts.Key? {
        sale.idempotencyKey.map { SaleFacts.Key(user: sale.user, key: $0.description) }
    }

    private static func share(of sale: Sale) -> SaleFacts.Share {
        SaleFacts.Share(user: sale.user, product: sale.product)
    }

    /// What the callers are told.
    ///
    /// - Parameter numbers: Of the new purchases, by the place of their sale.
    func results(_ numbers: [Int: PurchaseID]) -> [Result<RecordOutcome, InventoryError>] {
        verdicts.enumerated().map { place, verdict in
            switch verdict {
            case .settled(let outcome): .success(outcome)
            case .refused(let error): .failure(error)
            case .written: Self.result(purchase(at: place, numbers).map { .recorded($0) })
            case .repeats(let earlier):
                Self.result(purchase(at: earlier, numbers).map { .alreadyRecorded($0) })
            }
        }
    }

    private static func result(_ outcome: RecordOutcome?) -> Result<RecordOutcome, InventoryError> {
        outcome.map { .success($0) }
            ?? .failure(InventoryError(.ledgerUnavailable, "the ledger did not number this purchase"))
    }

    private func purchase(at place: Int, _ numbers: [Int: PurchaseID]) -> Purchase? {
        guard let id = numbers[place], case .written(let total) = verdicts[place] else { return nil }
        let sale = sales[place]
        return Purchase(
            id: id, user: sale.user, product: sale.product, quantity: sale.quantity, totalPrice: total,
            purchasedAt: sale.purchasedAt)
    }
}
