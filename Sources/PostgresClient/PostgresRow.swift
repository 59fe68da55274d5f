/// One row of an answer. Columns are counted from 0, in the order of the statement.
package struct PostgresRow: Sendable, Hashable {
    private let values: [String?]

    package init(_ values: [String?]) {
        self.values = values
    }

    package var count: Int { values.count }

    /// The text of a column; nil for NULL.
    package func optional(_ column: Int) throws(PostgresError) -> String? {
        guard values.indices.contains(column) else { throw Self.malformed(column, "is missing") }
        return values[column]
    }

    package func text(_ column: Int) throws(PostgresError) -> String {
        guard let text = try optional(column) else { throw Self.malformed(column, "is NULL") }
        return text
    }

    package func number(_ column: Int) throws(PostgresError) -> Int64 {
        guard let number = Int64(try text(column)) else { throw Self.malformed(column, "is no number") }
        return number
    }

    package func int(_ column: Int) throws(PostgresError) -> Int { Int(try number(column)) }

    package func optionalNumber(_ column: Int) throws(PostgresError) -> Int64? {
        try optional(column) == nil ? nil : try number(column)
    }

    package func flag(_ column: Int) throws(PostgresError) -> Bool { try text(column) == "t" }

    private static func malformed(_ column: Int, _ what: String) -> PostgresError {
        PostgresError(.malformed, "column \(column) of an answer of PostgreSQL \(what)")
    }
}

/// What one statement came to.
package struct PostgresResult: Sendable, Hashable {
    package let rows: [PostgresRow]
    /// Rows that it changed or returned.
    package let count: Int
    /// What the server calls what it did: `COMMIT`, `UPDATE 1`.
    package let tag: String

    package init(rows: [PostgresRow], count: Int, tag: String) {
        self.rows = rows
        self.count = count
        self.tag = tag
    }
}
