import InventoryService
import LockStrategies

/// One call of the ledger's protocol with its arguments.
enum LedgerStep: Sendable {
    case createUser(NewUser)
    case user(UserID)
    case credentials(String)
    case standing(UserID)
    case changeUser(UserID, [UserChange], Timestamp)
    case users(Page)
    case createProduct(NewProduct, actor: UserID, Timestamp)
    case withdrawProduct(ProductID)
    case product(ProductID)
    case products(Page)
    case deleteProduct(ProductID, Timestamp)
    case changeProduct(ProductID, ProductChange)
    case recordSale(Sale)
    case recordRefusal(PurchaseRefusal)
    case recordMovement(SupplyMovement)
    case unitsBought(UserID, ProductID)
    case highestFence(ProductID)
    case answer(UserID, IdempotencyKey)
    case purchasesOfUser(UserID, Page)
    case purchases(PurchaseFilter, Page)
    case stockAccounts(after: ProductID?, limit: Int)
    case stockAccount(ProductID)
    case recorded([ReservationID])
    case end([ReservationID], Timestamp)
    case forgetEnded(Timestamp)
    case beginFilling(ProductID, above: Int64)
    case stockServers
    case noteStockServers(Set<String>, distrust: Bool)
    case check

    /// What the ledger answers, or the code of its error, as a text that holds all of it.
    func outcome(on ledger: some Ledger) async -> String {
        do throws(InventoryError) {
            if let outcome = try await selling(ledger) { return outcome }
            if let outcome = try await stock(ledger) { return outcome }
            return try await administration(ledger) ?? "not asked"
        } catch {
            return "error \(error.code.rawValue)"
        }
    }

    /// The call's name and the first word of its outcome; of an error the code too.
    func kind(of outcome: String) -> String {
        let name = "\(self)".prefix { $0 != "(" }
        if outcome.hasPrefix("error ") { return "\(name) \(outcome)" }
        if outcome.hasPrefix("[") { return "\(name) \(outcome == "[]" ? "none" : "some")" }
        return "\(name) \(outcome.prefix { $0.isLetter })"
    }

    private func selling(_ ledger: some Ledger) async throws(InventoryError) -> String? {
        switch self {
        case .recordSale(let sale): "\(try await ledger.record(sale))"
        case .recordRefusal(let refusal): "\(try await ledger.record(refusal))"
        case .unitsBought(let user, let product):
            "\(try await ledger.unitsBought(by: user, of: product))"
        case .highestFence(let product): text(try await ledger.highestFence(of: product))
        case .answer(let user, let key): text(try await ledger.answer(to: user, under: key))
        case .purchasesOfUser(let user, let page): "\(try await ledger.purchases(of: user, page))"
        case .purchases(let filter, let page): "\(try await ledger.purchases(matching: filter, page))"
        default: nil
        }
    }

    private func stock(_ ledger: some Ledger) async throws(InventoryError) -> String? {
        switch self {
        case .recordMovement(let movement): "\(try await ledger.record(movement))"
        case .stockAccounts(let last, let limit):
            "\(try await ledger.stockAccounts(after: last, limit: limit))"
        case .stockAccount(let product): text(try await ledger.stockAccount(product))
        case .recorded(let ids): sorted(try await ledger.recorded(among: ids))
        case .end(let ids, let time): sorted(try await ledger.end(ids, at: time))
        case .forgetEnded(let time): "\(try await ledger.forgetEnded(before: time))"
        case .beginFilling(let product, let number):
            text(try await ledger.beginFilling(product, above: number))
        case .stockServers: sorted(try await ledger.stockServers())
        case .noteStockServers(let runs, let distrust):
            "\(try await ledger.noteStockServers(runs, distrust: distrust))"
        case .check: "\(try await ledger.check())"
        default: nil
        }
    }

    private func administration(_ ledger: some Ledger) async throws(InventoryError) -> String? {
        switch self {
        case .createUser(let user): "\(try await ledger.createUser(user))"
        case .user(let id): text(try await ledger.user(id))
        case .credentials(let name):
            // A hash does not print itself.
            text(try await ledger.credentials(of: name).map { "\($0) \($0.hash.stored)" })
        case .standing(let id): text(try await ledger.standing(of: id))
        case .changeUser(let id, let changes, let time):
            text(try await ledger.changeUser(id, changes, at: time))
        case .users(let page): "\(try await ledger.users(page))"
        case .createProduct(let product, let actor, let time):
            "\(try await ledger.createProduct(product, actor: actor, at: time))"
        case .withdrawProduct(let id): "\(try await ledger.withdrawProduct(id))"
        case .product(let id): text(try await ledger.product(id))
        case .products(let page): "\(try await ledger.products(page))"
        case .deleteProduct(let id, let time): "\(try await ledger.deleteProduct(id, at: time))"
        case .changeProduct(let id, let change): text(try await ledger.changeProduct(id, change))
        default: nil
        }
    }

    private func text<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "nil" }

    private func sorted(_ values: Set<some CustomStringConvertible>) -> String {
        "\(values.map(\.description).sorted())"
    }
}
