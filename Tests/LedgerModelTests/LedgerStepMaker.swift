import InventoryService
import LedgerModel

@testable import LockStrategies

/// Makes random calls over few users, products, keys and reservations, so that they meet.
///
/// Left out is what the protocol's callers never send and SQLite's ledger does not survive: numbers whose
/// sum or difference has more than 64 bits.
struct LedgerStepMaker {
    static let keys = ["k1", "k2", "k3", "k4"].compactMap { try? IdempotencyKey($0) }
    static let reservations = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"]
        .compactMap { ReservationID(stored: $0) }
    /// The third and the fourth are the same characters and other bytes.
    static let names = [
        "ann", "bob", "\u{E9}", "e\u{301}", "dan", "an\0", "", String(repeating: "\u{E9}", count: 51),
    ]
    static let users = (0...4).map { UserID($0) }
    static let products = (0...5).map { ProductID($0) }

    private static let emails = [nil, nil, "a@x", "\u{E9}@x", "e\u{301}@x", "", "b\0"]
    private static let hashes = ["h1", "h1", "h2", "h3", "", String(repeating: "h", count: 256)]
    private static let servers = ["s1", "s2", "s3"]
    private static let first: Int64 = 1_826_000_000_000_000

    private var generator: SplitMix64

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    /// The next call of a sequence that begins with a few users and products.
    ///
    /// - Parameter model: The ledger by now, so that epochs and numbers are often those that count.
    mutating func step(_ number: Int, seeing model: LedgerModel) -> LedgerStep {
        if number < 3 { return .createUser(firstUser(number)) }
        if number < 6 { return .createProduct(product(), actor: userID(), time()) }
        return switch below(100) {
        case 0..<34: .recordSale(sale(seeing: model))
        case 34..<44: .recordMovement(movement(seeing: model))
        case 44..<49: .recordRefusal(refusal())
        case 49..<56: .end((0..<below(4)).map { _ in reservation() }, time())
        case 56..<59: .forgetEnded(time())
        case 59..<70: read()
        case 70..<80: stockStep()
        case 80..<90: productStep()
        default: userStep()
        }
    }

    // MARK: - Calls

    private mutating func read() -> LedgerStep {
        switch below(8) {
        case 0: .answer(userID(), pick(Self.keys))
        case 1: .unitsBought(userID(), productID())
        case 2: .highestFence(productID())
        case 3: .purchasesOfUser(userID(), page())
        case 4, 5: .purchases(filter(), page())
        case 6: .recorded((0..<below(4)).map { _ in reservation() })
        default: .check
        }
    }

    private mutating func stockStep() -> LedgerStep {
        switch below(10) {
        case 0..<4: .beginFilling(productID(), above: pick([0, 0, 1, 2, 5, -1, .max - 1, .max]))
        case 4: .noteStockServers(Set((0..<below(3)).map { _ in pick(Self.servers) }), distrust: chance(50))
        case 5: .noteStockServers(["s1", chance(50) ? "s\0" : "s4"], distrust: chance(50))
        case 6: .stockServers
        case 7, 8: .stockAccounts(after: chance(50) ? nil : productID(), limit: pick([100, 1, 2, 0, -1]))
        default: .stockAccount(productID())
        }
    }

    private mutating func productStep() -> LedgerStep {
        switch below(10) {
        case 0, 1: .createProduct(product(), actor: userID(), time())
        case 2: .withdrawProduct(productID())
        case 3: .deleteProduct(productID(), time())
        case 4..<7: .changeProduct(productID(), productChange())
        case 7: .product(productID())
        default: .products(page())
        }
    }

    private mutating func userStep() -> LedgerStep {
        switch below(10) {
        case 0..<2: .createUser(user())
        case 2..<6: .changeUser(userID(), (0..<below(4)).map { _ in userChange() }, time())
        case 6: .user(userID())
        case 7: .credentials(pick(Self.names))
        case 8: .standing(userID())
        default: .users(page())
        }
    }

    private mutating func sale(seeing model: LedgerModel) -> Sale {
        let product = productID()
        return Sale(
            reservation: reservation(), user: userID(), product: product,
            quantity: pick([1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 5, 0, -1, 1000, .max]),
            idempotencyKey: chance(40) ? nil : pick(Self.keys), strategy: chance(97) ? "lua-atomic" : "a\0b",
            fence: chance(50) ? nil : Fence(Int64(below(7)) - 1),
            epoch: epoch(of: product, seeing: model), limit: pick([nil, nil, nil, nil, nil, 0, 1, 3, 3]),
            purchasedAt: time())
    }

    private mutating func movement(seeing model: LedgerModel) -> SupplyMovement {
        let product = productID()
        let reasons = ["more", "\u{E9}", String(repeating: "\u{E9}", count: 200)]
        let odd = ["", "a\0", String(repeating: "x", count: 201)]
        return SupplyMovement(
            id: reservation(), product: product,
            delta: pick([1, 2, 3, 5, -1, -1, -2, -3, 0, Bounds.units, -Bounds.units]),
            reason: pick(chance(90) ? reasons : odd), actor: userID(),
            epoch: epoch(of: product, seeing: model), time: time())
    }

    private mutating func refusal() -> PurchaseRefusal {
        PurchaseRefusal(
            user: userID(), key: pick(Self.keys), product: productID(), quantity: pick([1, 1, 2, 3, 0, -1]),
            outcome: pick(PurchaseRefusal.Outcome.allCases), refusedAt: time())
    }

    /// None, that of today, that of before, another, or that of another ledger.
    private mutating func epoch(of product: ProductID, seeing model: LedgerModel) -> StockEpoch? {
        let now = model.stockAccount(product)?.epoch ?? StockEpoch(origin: model.origin, number: 1)
        return switch below(20) {
        case 0..<7: nil
        case 7..<15: now
        case 15..<17: StockEpoch(origin: now.origin, number: now.number - 1)
        case 17, 18: StockEpoch(origin: now.origin, number: Int64(below(4)))
        default: StockEpoch(origin: "0123456789abcdef", number: now.number)
        }
    }

    // MARK: - Arguments

    private mutating func firstUser(_ number: Int) -> NewUser {
        NewUser(
            username: Self.names[number], email: [nil, "a@x", "\u{E9}@x"][number],
            passwordHash: PasswordHash(stored: "h1"), role: .user, createdAt: time())
    }

    private mutating func user() -> NewUser {
        NewUser(
            username: pick(Self.names), email: pick(Self.emails), passwordHash: hash(),
            role: pick(UserRole.allCases), createdAt: time())
    }

    private mutating func userChange() -> UserChange {
        switch below(8) {
        case 0: .password(hash())
        case 1, 2: .rehashed(hash(), instead: hash())
        case 3: .role(pick(UserRole.allCases))
        case 4..<7: .disabled(chance(65))
        default: .signedOut
        }
    }

    private mutating func product() -> NewProduct {
        let stock = pick([0, 1, 2, 3, 5, 8, 8, Bounds.units])
        return valid { () throws(InventoryError) in
            try NewProduct(
                name: pick(["thing", "\u{E9}"]), description: pick([nil, "", "red"]),
                price: pick([0, 100, Bounds.price]), initialStock: stock)
        }
    }

    private mutating func productChange() -> ProductChange {
        valid { () throws(InventoryError) in
            try ProductChange(
                name: pick([nil, "other"]), description: pick([nil, .some(nil), "blue"]),
                price: pick([nil, 0, 7]))
        }
    }

    private mutating func filter() -> PurchaseFilter {
        PurchaseFilter(
            user: chance(50) ? nil : userID(), product: chance(50) ? nil : productID(),
            from: chance(50) ? nil : time(), until: chance(50) ? nil : time())
    }

    private mutating func page() -> Page {
        valid { () throws(InventoryError) in
            try Page(
                skip: pick([0, 0, 0, 1, 2]), limit: pick([100, 100, 1, 2, 3]),
                after: pick([nil, nil, 1, 2, 3, 0, -1, .max, .min]))
        }
    }

    private mutating func userID() -> UserID { chance(90) ? UserID(Int64(below(3)) + 1) : pick(Self.users) }

    private mutating func productID() -> ProductID {
        chance(85) ? ProductID(Int64(below(3)) + 1) : pick(Self.products)
    }

    private mutating func reservation() -> ReservationID { pick(Self.reservations) }

    private mutating func hash() -> PasswordHash {
        PasswordHash(stored: pick(chance(80) ? Array(Self.hashes.prefix(4)) : Self.hashes))
    }

    private mutating func time() -> Timestamp {
        Timestamp(microseconds: Self.first + Int64(below(8)) * 1_000_000)
    }

    /// What the bounds of the maker allow.
    private func valid<Value>(_ make: () throws(InventoryError) -> Value) -> Value {
        do throws(InventoryError) {
            return try make()
        } catch {
            fatalError("\(error)")
        }
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
