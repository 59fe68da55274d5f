import PostgresClient

/// The ledger of servers that have ended, on a PostgreSQL that still runs, with SQL of our own.
extension LedgerReader {
    /// As ``read(_:products:asked:)``.
    ///
    /// - Parameter url: With its password.
    package static func read(
        postgres url: String, products: [Int64], asked: [Set<String>] = []
    ) async -> Reading? {
        guard let endpoint = try? PostgresEndpoint(parsing: url) else { return nil }
        let pool = PostgresPool(endpoint, .init(connections: 1, answer: .seconds(60)))
        defer { pool.close() }
        var books: [Book] = []
        for (index, product) in products.enumerated() {
            let ids = asked.indices.contains(index) ? asked[index] : []
            guard let book = try? await book(product, ids, pool) else { return nil }
            books.append(book)
        }
        return try? await reading(products, books, pool)
    }

    private static func reading(
        _ products: [Int64], _ books: [Book], _ pool: PostgresPool
    ) async throws -> Reading {
        let sums = try await pool.run(
            PostgresStatement(
                nil,
                """
                SELECT count(*) - count(DISTINCT reservation_id), (SELECT count(*) FROM users),
                    current_setting('server_version')
                FROM purchases WHERE product_id = ANY ($1::bigint[])
                """
            ).with(.integers(products.map { $0 })))[0].rows[0]
        let within = books.reduce(0) { $0 + $1.ledger.duplicates }
        return Reading(
            books: books, sharedReservations: try sums.int(0) - within, users: try sums.int(1),
            postgresVersion: String(try sums.text(2).prefix { $0 != " " }))
    }

    private static func book(
        _ product: Int64, _ asked: Set<String>, _ pool: PostgresPool
    ) async throws -> Book? {
        let results = try await pool.run(
            PostgresStatement(nil, "SELECT supplied, sold FROM products WHERE id = $1::bigint")
                .with(.integer(product)),
            PostgresStatement(
                nil,
                """
                SELECT count(*), coalesce(sum(quantity), 0), count(*) - count(DISTINCT reservation_id)
                FROM purchases WHERE product_id = $1::bigint
                """
            ).with(.integer(product)),
            PostgresStatement(
                nil,
                """
                SELECT reservation_id FROM purchases
                WHERE product_id = $1::bigint AND reservation_id = ANY ($2::text[])
                """
            ).with(.integer(product), .texts(Array(asked))))
        guard let sums = results[0].rows.first, let counts = results[1].rows.first else { return nil }
        return Book(
            ledger: AuditFacts.Ledger(
                rows: try counts.int(0), units: try counts.int(1), duplicates: try counts.int(2),
                supplied: try sums.int(0), sold: try sums.int(1)),
            reservations: Set(try results[2].rows.map { try $0.text(0) }))
    }
}
