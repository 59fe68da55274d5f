package import InventoryService
package import LockStrategies

extension LedgerModel {
    /// Accounts in the order of the products' numbers: of products above `last`, deleted ones too.
    ///
    /// - Parameter limit: Accounts, at most; a negative number sets no limit, as in SQLite.
    package func stockAccounts(after last: ProductID?, limit: Int) -> [StockAccount] {
        products.lazy.filter { $0.id.rawValue > last?.rawValue ?? 0 }
            .prefix(limit < 0 ? .max : limit).map(account)
    }

    /// Nil when there never was such a product.
    package func stockAccount(_ product: ProductID) -> StockAccount? {
        products.first { $0.id == product }.map(account)
    }

    /// The reservations that ended in a purchase or in a movement that took units.
    package func recorded(among ids: [ReservationID]) -> Set<ReservationID> {
        Set(
            ids.filter { id in
                purchases.contains { $0.reservation == id }
                    || movements.contains { $0.reservation == id && $0.delta < 0 }
            })
    }

    /// Marks reservations as ended without a sale, so that none of them can be sold from now on. An earlier
    /// mark stays.
    ///
    /// - Returns: Those that were recorded before; they are not marked.
    package mutating func end(_ ids: [ReservationID], at time: Timestamp) -> Set<ReservationID> {
        let recorded = recorded(among: ids)
        for id in ids where !recorded.contains(id) && endings[id] == nil { endings[id] = time }
        return recorded
    }

    /// Forgets marks of ended reservations, and refusals, that are older than `time`.
    package mutating func forgetEnded(before time: Timestamp) {
        endings = endings.filter { $0.value >= time }
        refusals = refusals.mapValues { kept in kept.filter { $0.value.refusedAt >= time } }
    }

    /// Begins a new filling of a product's stock: what was reserved before can no longer be sold.
    ///
    /// - Parameter number: The new epoch's number is above this one.
    /// - Returns: The new epoch and the units that it starts with; nil for a product that is not on sale.
    /// - Throws: `.ledgerUnavailable` when there is no higher number.
    package mutating func beginFilling(
        _ product: ProductID, above number: Int64
    ) throws(InventoryError) -> StockFilling? {
        guard let place = placeOnSale(product) else { return nil }
        let epoch = try Self.number(after: max(products[place].epoch, number))
        products[place].epoch = epoch
        return StockFilling(
            epoch: StockEpoch(origin: origin, number: epoch),
            units: products[place].supplied - products[place].sold)
    }

    /// Notes the Redis servers that hold the stock now.
    ///
    /// - Parameter distrust: What was reserved of any product until now can no longer be sold.
    /// - Throws: `.ledgerUnavailable` for a run id with U+0000, and when a product's epoch has the highest
    ///   number that there is.
    package mutating func noteStockServers(_ runs: Set<String>, distrust: Bool) throws(InventoryError) {
        guard runs.allSatisfy(Self.isWhole) else { throw Self.refused("this run id") }
        if distrust {
            var products = products
            for place in products.indices where products[place].deletedAt == nil {
                products[place].epoch = try Self.number(after: products[place].epoch)
            }
            self.products = products
        }
        stockServers = runs
    }

    /// Records a change of a product's supply.
    ///
    /// - Throws: `.ledgerUnavailable` when a movement has the reservation already, and for a reason that has
    ///   not 1 to 200 characters or has U+0000.
    package mutating func record(_ movement: SupplyMovement) throws(InventoryError) -> SupplyOutcome {
        guard let place = placeOnSale(movement.product) else { return .productNotFound }
        let before = account(products[place])
        if let epoch = movement.epoch, epoch != before.epoch { return .stockReplaced }
        if endings[movement.id] != nil { return .reservationEnded }
        let (supplied, isBeyond) = before.supplied.addingReportingOverflow(movement.delta)
        guard !isBeyond, (before.sold...Bounds.units).contains(supplied) else { return .outOfRange }
        guard Self.fits(movement.reason, SupplyMovement.reasonLength),
            !movements.contains(where: { $0.reservation == movement.id })
        else { throw Self.refused("this movement") }
        products[place].supplied = supplied
        movements.append(
            MovementRow(
                product: movement.product, delta: movement.delta, reason: movement.reason,
                actor: self.place(of: movement.actor).map { _ in movement.actor }, time: movement.time,
                reservation: movement.id))
        return .recorded(account(products[place]))
    }

    private func account(_ row: ProductRow) -> StockAccount {
        StockAccount(
            product: row.id, supplied: row.supplied, sold: row.sold,
            epoch: StockEpoch(origin: origin, number: row.epoch), isDeleted: row.deletedAt != nil)
    }
}
