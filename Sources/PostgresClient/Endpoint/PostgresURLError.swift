/// Why a text names no database of PostgreSQL. It never holds a password.
package struct PostgresURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A sentence that goes on after a colon.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
