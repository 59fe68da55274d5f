/// A text of SQL with places for parameters, `$1` and so on. Parameters never become a part of the text.
package struct PostgresStatement: Sendable, Hashable {
    /// Under this name each connection prepares it once; nil: it is sent whole each time.
    package let name: String?
    package let sql: String

    package init(_ name: String?, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    package func with(_ values: PostgresValue...) -> PostgresCommand {
        PostgresCommand(statement: self, values: values)
    }

    package func with(_ values: [PostgresValue]) -> PostgresCommand {
        PostgresCommand(statement: self, values: values)
    }
}

/// A statement with its parameters.
package struct PostgresCommand: Sendable {
    package let statement: PostgresStatement
    package let values: [PostgresValue]

    package init(statement: PostgresStatement, values: [PostgresValue] = []) {
        self.statement = statement
        self.values = values
    }

    package static let begin = PostgresCommand(statement: PostgresStatement(nil, "BEGIN"))
    package static let commit = PostgresCommand(statement: PostgresStatement(nil, "COMMIT"))
    package static let rollback = PostgresCommand(statement: PostgresStatement(nil, "ROLLBACK"))
}
