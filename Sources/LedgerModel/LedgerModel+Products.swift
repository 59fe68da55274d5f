package import InventoryService
package import LockStrategies

extension LedgerModel {
    /// Records a product and, as its first movement, the units that it starts with.
    package mutating func createProduct(
        _ product: NewProduct, actor: UserID, at time: Timestamp
    ) -> Product {
        lastProduct += 1
        let row = ProductRow(
            id: ProductID(lastProduct), name: product.name, description: product.description,
            price: product.price, supplied: product.initialStock, createdAt: time)
        products.append(row)
        movements.append(
            MovementRow(
                product: row.id, delta: product.initialStock, reason: "initial stock",
                actor: place(of: actor).map { _ in actor }, time: time, reservation: nil))
        return self.product(row)
    }

    /// Takes back a product that was never sold; a deleted one too.
    ///
    /// - Returns: False when purchases refer to it, or when there is none.
    package mutating func withdrawProduct(_ id: ProductID) -> Bool {
        guard let place = products.firstIndex(where: { $0.id == id }),
            !purchases.contains(where: { $0.purchase.product == id })
        else { return false }
        products.remove(at: place)
        movements.removeAll { $0.product == id }
        return true
    }

    /// Nil for a product that is not on sale.
    package func product(_ id: ProductID) -> Product? {
        placeOnSale(id).map { product(products[$0]) }
    }

    /// Products on sale in the order of their numbers.
    package func products(_ page: Page) -> Listing<Product> {
        let onSale = products.filter { $0.deletedAt == nil }
        let rows = onSale.lazy.filter { $0.id.rawValue > page.after ?? 0 }.map(product)
        return Listing(items: Self.window(rows, page), total: onSale.count)
    }

    /// - Returns: The product afterwards; nil for one that is not on sale.
    package mutating func changeProduct(_ id: ProductID, _ change: ProductChange) -> Product? {
        guard let place = placeOnSale(id) else { return nil }
        if let name = change.name { products[place].name = name }
        if let description = change.description { products[place].description = description }
        if let price = change.price { products[place].price = price }
        return product(products[place])
    }

    /// Takes a product off sale for good. What was reserved of it can no longer be sold.
    ///
    /// - Returns: False for a product that is not on sale.
    /// - Throws: `.ledgerUnavailable` when its epoch has the highest number that there is.
    package mutating func deleteProduct(
        _ id: ProductID, at time: Timestamp
    ) throws(InventoryError) -> Bool {
        guard let place = placeOnSale(id) else { return false }
        products[place].epoch = try Self.number(after: products[place].epoch)
        products[place].deletedAt = time
        return true
    }

    func placeOnSale(_ id: ProductID) -> Int? {
        products.firstIndex { $0.id == id && $0.deletedAt == nil }
    }

    /// SQLite makes a number with a fraction of a sum above 64 bits, and the column refuses it.
    static func number(after epoch: Int64) throws(InventoryError) -> Int64 {
        guard epoch < .max else { throw refused("an epoch above \(epoch)") }
        return epoch + 1
    }

    private func product(_ row: ProductRow) -> Product {
        Product(
            id: row.id, name: row.name, description: row.description, price: row.price,
            supplied: row.supplied, sold: row.sold, epoch: StockEpoch(origin: origin, number: row.epoch),
            createdAt: row.createdAt)
    }
}
