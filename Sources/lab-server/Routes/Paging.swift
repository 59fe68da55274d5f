import HTTPTypes
import Hummingbird
import HummingbirdCore
import InventoryService

extension HTTPField.Name {
    /// Items on all pages of a list.
    static let totalCount = HTTPField.Name("X-Total-Count")!
}

extension Request {
    /// The `skip` and `limit` of the query.
    var page: Page {
        get throws {
            try Page(
                skip: number("skip", default: 0, in: "from 0"),
                limit: number("limit", default: 100, in: "from 1 to 100"))
        }
    }

    private func number(_ name: String, default value: Int, in range: String) throws(Problem) -> Int {
        guard let text = uri.queryParameters[Substring(name)] else { return value }
        guard let number = Int(text) else { throw .invalid(name, "must be a whole number \(range)") }
        return number
    }
}
