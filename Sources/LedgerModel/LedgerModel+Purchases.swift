package import InventoryService
package import LockStrategies

extension LedgerModel {
    /// Records a sale whose units were reserved; refuses to sell more than was supplied, from a stock that
    /// was replaced, or under a reservation that was ended.
    ///
    /// - Throws: `.unknownUser`; `.ledgerUnavailable` when a purchase has the reservation already, for fewer
    ///   units than one, and for a strategy's name with U+0000.
    package mutating func record(_ sale: Sale) throws(InventoryError) -> RecordOutcome {
        if let earlier = purchase(of: sale.user, under: sale.idempotencyKey) {
            return .alreadyRecorded(earlier)
        }
        if let epoch = sale.epoch, epoch.origin != origin { return .stockReplaced }
        if let limit = sale.limit,
            unitsBought(by: sale.user, of: sale.product) > limit - sale.quantity
        {
            return .limitReached
        }
        if endings[sale.reservation] != nil { return .reservationEnded }
        guard let place = placeOnSale(sale.product) else { return .productNotFound }
        let product = products[place]
        if let epoch = sale.epoch, epoch.number != product.epoch { return .stockReplaced }
        guard sale.quantity <= product.supplied - product.sold else { return .oversellRefused }
        guard sale.quantity >= 1, Self.isWhole(sale.strategy),
            !purchases.contains(where: { $0.reservation == sale.reservation })
        else { throw Self.refused("this purchase") }
        guard self.place(of: sale.user) != nil else { throw Self.unknownUser }

        products[place].sold += sale.quantity
        let purchase = Purchase(
            id: PurchaseID(Int64(purchases.count + 1)), user: sale.user, product: sale.product,
            quantity: sale.quantity, totalPrice: product.price * sale.quantity, purchasedAt: sale.purchasedAt)
        purchases.append(
            PurchaseRow(
                purchase: purchase, reservation: sale.reservation, key: sale.idempotencyKey,
                strategy: sale.strategy, fence: sale.fence))
        return .recorded(purchase)
    }

    /// Units of the product that the user has bought in all.
    package func unitsBought(by user: UserID, of product: ProductID) -> Int {
        purchases.reduce(0) { sum, row in
            row.purchase.user == user && row.purchase.product == product ? sum + row.purchase.quantity : sum
        }
    }

    /// The highest fence that a purchase of the product carries.
    package func highestFence(of product: ProductID) -> Fence? {
        purchases.lazy.filter { $0.purchase.product == product }.compactMap(\.fence).max()
    }

    /// The answer that the user got under this key; a purchase goes before a refusal.
    package func answer(to user: UserID, under key: IdempotencyKey) -> StoredAnswer? {
        if let purchase = purchase(of: user, under: key) { return .purchase(purchase) }
        return refusals[user]?[key].map { .refusal($0) }
    }

    /// Keeps a refusal as the answer to its key; an earlier one stays. Of each user the newest
    /// ``PurchaseRefusal/mostKept`` are kept, and those that are as old as the last of them.
    ///
    /// - Throws: `.unknownUser`; `.ledgerUnavailable` for fewer units than one.
    package mutating func record(_ refusal: PurchaseRefusal) throws(InventoryError) {
        guard refusal.quantity >= 1 else { throw Self.refused("this refusal") }
        guard place(of: refusal.user) != nil else { throw Self.unknownUser }
        var kept = refusals[refusal.user] ?? [:]
        if kept[refusal.key] == nil { kept[refusal.key] = refusal }
        if kept.count > PurchaseRefusal.mostKept {
            let times = kept.values.map(\.refusedAt).sorted(by: >)
            let oldest = times[PurchaseRefusal.mostKept - 1]
            kept = kept.filter { $0.value.refusedAt >= oldest }
        }
        refusals[refusal.user] = kept
    }

    /// The purchases of a user, newest first.
    package func purchases(of user: UserID, _ page: Page) -> Listing<Purchase> {
        purchases(matching: PurchaseFilter(user: user), page)
    }

    /// The purchases of all users, newest first.
    package func purchases(matching filter: PurchaseFilter, _ page: Page) -> Listing<Purchase> {
        let found = purchases.reversed().map(\.purchase).filter { purchase in
            if let user = filter.user, user != purchase.user { return false }
            if let product = filter.product, product != purchase.product { return false }
            if let from = filter.from, purchase.purchasedAt < from { return false }
            if let until = filter.until, purchase.purchasedAt >= until { return false }
            return true
        }
        let rows = found.lazy.filter { $0.id.rawValue < page.after ?? .max }
        return Listing(items: Self.window(rows, page), total: found.count)
    }

    private func purchase(of user: UserID, under key: IdempotencyKey?) -> Purchase? {
        guard let key else { return nil }
        return purchases.first { $0.purchase.user == user && $0.key == key }?.purchase
    }
}
