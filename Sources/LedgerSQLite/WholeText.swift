import Foundation
import GRDB

/// A text that SQLite gets whole, or not as a text.
///
/// GRDB hands a text over as a C string, which ends at U+0000: a search for `annabel`, U+0000, `x` would find
/// `annabel`. Such a text goes over as bytes instead. Bytes equal no text of the ledger, and a column of
/// texts refuses them, because the tables are STRICT.
struct WholeText: DatabaseValueConvertible {
    private let text: String

    init(_ text: String) { self.text = text }

    var databaseValue: DatabaseValue {
        text.utf8.contains(0) ? Data(text.utf8).databaseValue : text.databaseValue
    }

    static func fromDatabaseValue(_ value: DatabaseValue) -> WholeText? {
        String.fromDatabaseValue(value).map(WholeText.init)
    }
}
