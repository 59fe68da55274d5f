/// The five characters by which PostgreSQL names an error, in every language of its messages.
///
/// Source: PostgreSQL 15, appendix A.
package struct SQLState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(_ text: String) {
        rawValue = text
    }

    package var description: String { rawValue }

    /// The first two characters: what kind of error it is.
    package var category: Substring { rawValue.prefix(2) }

    package static let characterNotInRepertoire = SQLState("22021")
    package static let uniqueViolation = SQLState("23505")
    package static let foreignKeyViolation = SQLState("23503")
    package static let readOnlyTransaction = SQLState("25006")
    package static let wrongPassword = SQLState("28P01")
    package static let signInRefused = SQLState("28000")
    package static let noSuchDatabase = SQLState("3D000")
    package static let serializationFailure = SQLState("40001")
    package static let deadlock = SQLState("40P01")
    package static let noRight = SQLState("42501")
    package static let noSuchTable = SQLState("42P01")
    package static let diskFull = SQLState("53100")
    package static let tooManyConnections = SQLState("53300")
    package static let lockNotAvailable = SQLState("55P03")
    package static let cancelled = SQLState("57014")

    /// The server ends the connection with it, or does not begin one.
    var endsConnection: Bool { rawValue.hasPrefix("57P") && rawValue != "57P04" }

    /// At the end of a transaction it means: nothing of the transaction was written.
    var isRollback: Bool { category == "40" || category == "23" }
}
