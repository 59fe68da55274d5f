package import InventoryService
package import PostgresClient

/// A database that takes over the ledger of another engine, row by row.
///
/// Until the end it is marked as unfinished, and no server starts on it. Rows come in the order of their
/// keys, a batch a transaction, so what is there is always the beginning of a table: who is killed goes on
/// behind the last row.
package struct PostgresIntake: Sendable {
    package enum Start: Sendable, Hashable {
        case fresh
        /// An earlier move of the same ledger was not finished.
        case resumed
        /// An earlier move of the same ledger came to its end.
        case done
    }

    private let filling: LedgerFilling
    private let endpoint: PostgresEndpoint
    private let origin: String

    /// - Parameter origin: The name in Redis of the ledger that is taken over.
    /// - Throws: ``InventoryError``: `.databaseLocked` while another process fills the database,
    ///   `.databaseUnusable` for a server that cannot hold a ledger.
    package static func open(
        _ endpoint: PostgresEndpoint, origin: String, settings: LedgerSettings = LedgerSettings()
    ) async throws(InventoryError) -> PostgresIntake {
        do {
            let filling = try await LedgerFilling.open(endpoint, .ledger(origin: origin), settings)
            return PostgresIntake(filling: filling, endpoint: endpoint, origin: origin)
        } catch {
            throw PostgresLedger.copyFailure(error, "cannot move a ledger", endpoint)
        }
    }

    package func close() { filling.connection.close() }

    private func attempt<Value>(_ body: () async throws -> Value) async throws(InventoryError) -> Value {
        do {
            return try await body()
        } catch {
            throw PostgresLedger.copyFailure(error, "cannot move the ledger", endpoint)
        }
    }

    // MARK: - Begin

    /// Makes the tables in an empty database, or finds how far an earlier move came.
    ///
    /// - Throws: ``InventoryError`` for a database that holds anything else.
    package func begin() async throws(InventoryError) -> Start {
        try await attempt {
            if let source = try await filling.unfinished() {
                guard source == filling.source.text else {
                    throw InventoryError(.databaseUnusable, LedgerFilling.refusal(endpoint))
                }
                return .resumed
            }
            if try await filling.firstRelation() != nil {
                guard try await holdsThisLedger() else {
                    throw InventoryError(
                        .databaseUnusable,
                        "the database \(endpoint) is not empty, and a move overwrites nothing: make another one "
                            + "with createdb, and name it in --to")
                }
                return .done
            }
            try await filling.mark {
                guard try await filling.firstRelation() == nil else {
                    throw InventoryError(
                        .databaseLocked, "a server has just begun to use the database \(endpoint)")
                }
            } _: {
                _ = try await PostgresMigrator(endpoint: endpoint, isFilling: true)
                    .takeMissing(on: filling.connection)
                _ = try await filling.run(
                    PostgresStatement(nil, "UPDATE stock_origin SET origin = $1").with(.text(origin)))
            }
            return .fresh
        }
    }

    private func holdsThisLedger() async throws -> Bool {
        guard
            try await filling.run("SELECT to_regclass('stock_origin')").first?.rows.first?.optional(0) != nil
        else { return false }
        return try await filling.run("SELECT origin FROM stock_origin").first?.rows.first?.text(0) == origin
    }

    // MARK: - Rows

    /// The key of the last row that a table has; nil for an empty one.
    package func lastKey(of table: MovedTable) async throws(InventoryError) -> [String?]? {
        try await attempt {
            let order = Self.key(of: table).map { "\($0) DESC" }.joined(separator: ", ")
            let names = table.columns.prefix(table.keys).map(\.name).joined(separator: ", ")
            let rows = try await filling.run("SELECT \(names) FROM \(table.name) ORDER BY \(order) LIMIT 1")
            return try rows.first?.rows.first.map { row in try (0..<table.keys).map { try row.optional($0) } }
        }
    }

    package func count(_ table: MovedTable) async throws(InventoryError) -> Int {
        try await attempt {
            try await filling.run("SELECT count(*) FROM \(table.name)").first?.rows.first?.int(0) ?? 0
        }
    }

    /// Adds rows in one transaction.
    package func add(_ rows: [[String?]], to table: MovedTable) async throws(InventoryError) {
        let names = table.columns.map(\.name).joined(separator: ", ")
        let types = table.columns.enumerated().map { place, column in
            "$\(place + 1)::\(column.isNumber ? "bigint" : "text")[]"
        }
        let statement = PostgresStatement(
            "add_\(table.name)",
            "INSERT INTO \(table.name) (\(names)) SELECT * FROM unnest(\(types.joined(separator: ", ")))")
        let values = table.columns.enumerated().map { place, column -> PostgresValue in
            let texts = rows.map { $0[place] }
            return column.isNumber ? .integers(texts.map { $0.flatMap { Int64($0) } }) : .texts(texts)
        }
        try await attempt { _ = try await filling.run(statement.with(values)) }
    }

    /// Rows as the source has them: see `SQLiteLedger.rows`.
    package func rows(
        of table: MovedTable, after last: [String?]?, limit: Int
    ) async throws(InventoryError) -> [[String?]] {
        let order = Self.key(of: table).joined(separator: ", ")
        let places = table.columns.prefix(table.keys).enumerated().map { place, column in
            "$\(place + 1)::\(column.isNumber ? "bigint" : "text")"
        }
        let condition = last == nil ? "" : "WHERE (\(order)) > (\(places.joined(separator: ", ")))"
        let names = table.columns.map(\.name).joined(separator: ", ")
        let query = "SELECT \(names) FROM \(table.name) \(condition) ORDER BY \(order) LIMIT \(limit)"
        return try await attempt {
            let results = try await filling.run(
                PostgresStatement(nil, query).with((last ?? []).map { PostgresValue($0) }))
            return try (results.first?.rows ?? []).map { row in
                try table.columns.indices.map { try row.optional($0) }
            }
        }
    }

    /// Texts by their bytes, as SQLite sorts them.
    private static func key(of table: MovedTable) -> [String] {
        table.columns.prefix(table.keys).map { $0.isNumber ? $0.name : "\($0.name) COLLATE \"C\"" }
    }

    // MARK: - End

    /// Numbers go on behind those of the source, and the database is a ledger from here on.
    ///
    /// - Parameter lastNumbers: By the names of the tables: the greatest number that the source ever gave.
    package func finish(lastNumbers: [String: Int64]) async throws(InventoryError) {
        try await attempt {
            try await filling.finish {
                for (table, number) in lastNumbers.sorted(by: { $0.key < $1.key }) {
                    try await filling.continueNumbers(of: table, after: number)
                }
            }
        }
    }
}
