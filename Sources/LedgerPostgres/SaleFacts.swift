import InventoryService
import LockStrategies
import PostgresClient

/// What the ledger holds about some sales, read inside the transaction that will write them.
struct SaleFacts: Sendable {
    struct ProductRow: Sendable, Hashable {
        let price: Int
        let epoch: Int64
        let supplied: Int
        let sold: Int
    }

    struct Key: Hashable, Sendable {
        let user: UserID
        let key: String
    }

    /// What one user has of one product.
    struct Share: Hashable, Sendable {
        let user: UserID
        let product: ProductID
    }

    /// Only products that are on sale.
    var products: [ProductID: ProductRow] = [:]
    var answers: [Key: Purchase] = [:]
    /// Reservations that have a purchase.
    var recorded: Set<ReservationID> = []
    var ended: Set<ReservationID> = []
    var users: Set<UserID> = []
    /// Units that were bought before; only of sales with a limit.
    var bought: [Share: Int] = [:]

    init() {}

    /// Questions about the sales, for one group of commands behind `BEGIN`. The first takes the lock that
    /// keeps reservations from being ended meanwhile, the second locks the rows of the products, in the order
    /// of their numbers: two servers never wait for each other. What is read behind them stays true.
    static func questions(about sales: [Sale]) -> [PostgresCommand] {
        let products = Set(sales.map(\.product.rawValue)).sorted()
        let users = Set(sales.map(\.user.rawValue)).sorted()
        let keyed = sales.filter { $0.idempotencyKey != nil }
        let limited = sales.filter { $0.limit != nil }
        let reservations = PostgresValue.texts(sales.map(\.reservation.description))
        return [
            LedgerLock.endings.shared,
            lockProducts.with(.integers(products)),
            underKeys.with(
                .integers(keyed.map(\.user.rawValue)), .texts(keyed.map { $0.idempotencyKey?.description })),
            withPurchase.with(reservations),
            ended.with(reservations),
            known.with(.integers(users)),
            bought.with(
                .integers(limited.map(\.user.rawValue)), .integers(limited.map(\.product.rawValue))),
        ]
    }

    /// Reads the answers to ``questions(about:)``.
    init(_ results: [PostgresResult]) throws {
        guard results.count == 7 else { throw PostgresError(.malformed, "questions were not answered") }
        for row in results[1].rows {
            products[ProductID(try row.number(0))] = ProductRow(
                price: try row.int(1), epoch: try row.number(2), supplied: try row.int(3),
                sold: try row.int(4))
        }
        for row in results[2].rows {
            let purchase = try PostgresLedger.purchase(row)
            answers[Key(user: purchase.user, key: try row.text(6))] = purchase
        }
        recorded = try PostgresLedger.reservations(results[3].rows)
        ended = try PostgresLedger.reservations(results[4].rows)
        users = Set(try results[5].rows.map { UserID(try $0.number(0)) })
        for row in results[6].rows {
            let share = Share(user: UserID(try row.number(0)), product: ProductID(try row.number(1)))
            bought[share] = try row.int(2)
        }
    }

    private static let lockProducts = PostgresStatement(
        "lock_products",
        """
        SELECT id, price, epoch, supplied, sold FROM products
        WHERE id = ANY ($1::bigint[]) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
        """)

    // LATERAL with LIMIT, and EXISTS with OFFSET: one look at an index for each, however large the table has
    // become since the statement was planned.
    private static let underKeys = PostgresStatement(
        "purchases_under_keys",
        """
        SELECT found.*, given.key FROM unnest($1::bigint[], $2::text[]) AS given (user_id, key)
        CROSS JOIN LATERAL (
            SELECT \(PostgresLedger.purchaseColumns) FROM purchases
            WHERE user_id = given.user_id AND idempotency_key = given.key LIMIT 1) AS found
        """)

    private static let withPurchase = PostgresStatement(
        "reservations_with_purchase",
        """
        SELECT id FROM unnest($1::text[]) AS given (id)
        WHERE EXISTS (SELECT 1 FROM purchases WHERE reservation_id = given.id OFFSET 0)
        """)

    private static let ended = PostgresStatement(
        "reservations_ended",
        """
        SELECT id FROM unnest($1::text[]) AS given (id)
        WHERE EXISTS (SELECT 1 FROM ended_reservations WHERE reservation_id = given.id OFFSET 0)
        """)

    private static let known = PostgresStatement(
        "known_users",
        """
        SELECT id FROM unnest($1::bigint[]) AS given (id)
        WHERE EXISTS (SELECT 1 FROM users WHERE users.id = given.id OFFSET 0)
        """)

    private static let bought = PostgresStatement(
        "units_bought_by_each",
        """
        SELECT given.user_id, given.product_id, (
            SELECT coalesce(sum(quantity), 0) FROM purchases
            WHERE user_id = given.user_id AND product_id = given.product_id)
        FROM unnest($1::bigint[], $2::bigint[]) AS given (user_id, product_id)
        GROUP BY given.user_id, given.product_id
        """)
}
