import Foundation
import GRDB

/// Reads the ledger of a stopped server with SQL of our own.
package enum LedgerReader {
    /// One product.
    package struct Book: Sendable {
        package var ledger: AuditFacts.Ledger
        /// The reservations that were asked for and became purchases.
        package var reservations: Set<String>

        package init(ledger: AuditFacts.Ledger, reservations: Set<String>) {
            self.ledger = ledger
            self.reservations = reservations
        }
    }

    package struct Reading: Sendable {
        /// In the order asked for.
        package var books: [Book]
        /// Rows of a reservation id that a row of another product has too.
        var sharedReservations: Int
        /// Nil: not to be seen from here.
        package var users: Int?
        package var sqliteVersion: String?
        package var journalMode: String?
        /// Nil: the ledger is not on PostgreSQL.
        package var postgresVersion: String?

        package init(
            books: [Book], sharedReservations: Int = 0, users: Int? = nil, sqliteVersion: String? = nil,
            journalMode: String? = nil, postgresVersion: String? = nil
        ) {
            self.postgresVersion = postgresVersion
            self.books = books
            self.sharedReservations = sharedReservations
            self.users = users
            self.sqliteVersion = sqliteVersion
            self.journalMode = journalMode
        }

        /// The books of all products together.
        package var sum: AuditFacts.Ledger {
            var sum = AuditFacts.Ledger()
            for book in books {
                sum.rows += book.ledger.rows
                sum.units += book.ledger.units
                sum.duplicates += book.ledger.duplicates
                sum.supplied += book.ledger.supplied
                sum.sold += book.ledger.sold
            }
            sum.duplicates += sharedReservations
            return sum
        }
    }

    /// Counts in the database: the memory that it takes does not grow with the number of purchases.
    ///
    /// - Parameter asked: Of each product, reservations of which one wants to know whether they became
    ///   purchases.
    /// - Returns: nil when the file is not there, or does not have the tables or one of the products.
    package static func read(_ path: String, products: [Int64], asked: [Set<String>] = []) -> Reading? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        return try? DatabaseQueue(path: path, configuration: configuration).read { database in
            var books: [Book] = []
            for (index, product) in products.enumerated() {
                let ids = asked.indices.contains(index) ? asked[index] : []
                guard let book = try book(product, ids, database) else { return nil }
                books.append(book)
            }
            let marks = databaseQuestionMarks(count: products.count)
            let duplicates = try Int.fetchOne(
                database,
                sql:
                    "SELECT count(*) - count(DISTINCT reservation_id) FROM purchases WHERE product_id IN (\(marks))",
                arguments: StatementArguments(products))
            let within = books.reduce(0) { $0 + $1.ledger.duplicates }
            return Reading(
                books: books, sharedReservations: (duplicates ?? 0) - within,
                users: try Int.fetchOne(database, sql: "SELECT count(*) FROM users"),
                sqliteVersion: try String.fetchOne(database, sql: "SELECT sqlite_version()"),
                journalMode: try String.fetchOne(database, sql: "PRAGMA journal_mode"))
        }
    }

    private static func book(
        _ product: Int64, _ asked: Set<String>, _ database: Database
    ) throws -> Book? {
        guard
            let sums = try Row.fetchOne(
                database, sql: "SELECT supplied, sold FROM products WHERE id = ?", arguments: [product]),
            let counts = try Row.fetchOne(
                database,
                sql: """
                    SELECT count(*) AS rows, coalesce(sum(quantity), 0) AS units,
                    count(*) - count(DISTINCT reservation_id) AS duplicates FROM purchases WHERE product_id = ?
                    """, arguments: [product])
        else { return nil }
        var known: Set<String> = []
        let ids = Array(asked)
        for start in stride(from: 0, to: ids.count, by: 500) {
            let some = Array(ids[start..<min(start + 500, ids.count)])
            known.formUnion(
                try String.fetchAll(
                    database,
                    sql: "SELECT reservation_id FROM purchases WHERE product_id = ? AND reservation_id IN "
                        + "(\(databaseQuestionMarks(count: some.count)))",
                    arguments: [product] + StatementArguments(some)))
        }
        return Book(
            ledger: AuditFacts.Ledger(
                rows: counts["rows"], units: counts["units"], duplicates: counts["duplicates"],
                supplied: sums["supplied"], sold: sums["sold"]),
            reservations: known)
    }
}
