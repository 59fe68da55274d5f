public import LockStrategies

/// Products: their record in the ledger and their stock in Redis, made together.
public struct ProductService<Store: Ledger, Redis: RedisPort>: Sendable {
    private let store: Store
    private let stock: StockStore<Redis>
    private let clock: WallClock

    public init(store: Store, stock: StockStore<Redis>, clock: WallClock = .system) {
        self.store = store
        self.stock = stock
        self.clock = clock
    }

    /// Records the product, then puts its units on sale. When the second step fails the product is taken
    /// back, so a client that sees an error may simply try again.
    ///
    /// - Throws: ``InventoryError`` of Redis or the ledger.
    public func create(_ product: NewProduct, by actor: UserID) async throws(InventoryError) -> ProductOffer {
        let recorded = try await store.createProduct(product, actor: actor, at: clock.now)
        do throws(InventoryError) {
            guard
                try await stock.initialise(recorded.id, units: product.initialStock, as: recorded.epoch)
            else {
                throw InventoryError(
                    .stockUnknown,
                    "Redis already has a stock for product \(recorded.id): it belongs to another database")
            }
        } catch {
            _ = try? await store.withdrawProduct(recorded.id)
            throw error
        }
        return ProductOffer(product: recorded, stock: product.initialStock)
    }

    /// Takes a product off sale for good; its purchases stay. From the return on nothing more is sold, also
    /// not what was reserved before.
    ///
    /// - Returns: False when there is no such product.
    /// - Throws: ``InventoryError`` of the ledger. Where Redis cannot be reached, the next reconciliation
    ///   removes what is left there.
    public func delete(_ id: ProductID) async throws(InventoryError) -> Bool {
        guard try await store.deleteProduct(id, at: clock.now) else { return false }
        _ = try? await stock.drop(id, origin: store.origin)
        return true
    }

    public func get(_ id: ProductID) async throws(InventoryError) -> ProductOffer? {
        guard let product = try await store.product(id) else { return nil }
        return ProductOffer(product: product, stock: try await stock.units(of: product))
    }

    public func list(_ page: Page) async throws(InventoryError) -> Listing<ProductOffer> {
        let products = try await store.products(page)
        let stocks = try await stock.units(of: products.items)
        return Listing(
            items: products.items.map { ProductOffer(product: $0, stock: stocks[$0.id]) },
            total: products.total)
    }

    /// The units in stock; nil for a product that does not exist.
    ///
    /// - Throws: ``InventoryError`` with `.stockUnknown` when the product exists and Redis knows no stock.
    public func stock(of id: ProductID) async throws(InventoryError) -> Int? {
        guard let product = try await store.product(id) else { return nil }
        guard let units = try await stock.units(of: product) else {
            throw InventoryError(.stockUnknown, "the stock of this product is not known at the moment")
        }
        return units
    }
}
