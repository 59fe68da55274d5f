package import InventoryService
package import LockStrategies

/// Users, and what is on sale.
extension ModelLedger {
    package func createUser(_ user: NewUser) async throws(InventoryError) -> CreateUserOutcome {
        try await perform(.createUser) { model throws(InventoryError) in try model.createUser(user) }
    }

    package func user(_ id: UserID) async throws(InventoryError) -> User? {
        try await perform(.user) { $0.user(id) }
    }

    package func credentials(of username: String) async throws(InventoryError) -> Credentials? {
        try await perform(.credentials) { $0.credentials(of: username) }
    }

    package func standing(of id: UserID) async throws(InventoryError) -> UserStanding? {
        try await perform(.standing) { $0.standing(of: id) }
    }

    package func changeUser(
        _ id: UserID, _ changes: [UserChange], at time: Timestamp
    ) async throws(InventoryError) -> User? {
        try await perform(.changeUser) { model throws(InventoryError) in
            try model.changeUser(id, changes, at: time)
        }
    }

    package func users(_ page: Page) async throws(InventoryError) -> Listing<User> {
        try await perform(.users) { $0.users(page) }
    }

    package func createProduct(
        _ product: NewProduct, actor: UserID, at time: Timestamp
    ) async throws(InventoryError) -> Product {
        try await perform(.createProduct) { $0.createProduct(product, actor: actor, at: time) }
    }

    package func withdrawProduct(_ id: ProductID) async throws(InventoryError) -> Bool {
        try await perform(.withdrawProduct) { $0.withdrawProduct(id) }
    }

    package func product(_ id: ProductID) async throws(InventoryError) -> Product? {
        try await perform(.product) { $0.product(id) }
    }

    package func products(_ page: Page) async throws(InventoryError) -> Listing<Product> {
        try await perform(.products) { $0.products(page) }
    }

    package func deleteProduct(_ id: ProductID, at time: Timestamp) async throws(InventoryError) -> Bool {
        try await perform(.deleteProduct) { model throws(InventoryError) in
            try model.deleteProduct(id, at: time)
        }
    }

    package func changeProduct(
        _ id: ProductID, _ change: ProductChange
    ) async throws(InventoryError) -> Product? {
        try await perform(.changeProduct) { $0.changeProduct(id, change) }
    }
}
