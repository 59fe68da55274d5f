import HTTPTypes
import Hummingbird
import HummingbirdCore
import InventoryService

extension HTTPField.Name {
    /// Items on all pages of a list.
    static let totalCount = HTTPField.Name("X-Total-Count")!
    static let link = HTTPField.Name("Link")!
}

/// The query of a request, each name once and each of them declared.
struct Query {
    private let values: [String: String]

    /// - Throws: ``Problem`` 422 that names what is unknown or there twice.
    init(of request: Request, for operation: OperationID) throws(Problem) {
        let known = RouteTable[operation].queryNames
        var values: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            let name = String(name)
            guard known.contains(name) else { throw .invalid(name, "is not a parameter of this request") }
            guard values.updateValue(String(value), forKey: name) == nil else {
                throw .invalid(name, "must appear once")
            }
        }
        self.values = values
    }

    /// Further on a page would cost as much as all before it.
    static let skips = 0...10_000

    var page: Page {
        get throws {
            let skip = try number("skip", in: "from 0 to \(Self.skips.upperBound)")
            if let skip, !Self.skips.contains(skip) {
                throw Problem.invalid(
                    "skip",
                    "must be a whole number from 0 to \(Self.skips.upperBound); go on with after, as the header Link "
                        + "of each page says")
            }
            return try Page(
                skip: skip ?? 0, limit: number("limit", in: "from 1 to 100") ?? 100, after: id("after"))
        }
    }

    /// False where it is not given.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalid(name, "must be true or false")
        }
    }

    func number(_ name: String, in range: String) throws(Problem) -> Int? {
        guard let text = values[name] else { return nil }
        // `Int` reads a sign and zeros before a number too; one number has one form here.
        guard let number = Int(text), String(number) == text else {
            throw .invalid(name, "must be a whole number \(range)")
        }
        return number
    }

    func id(_ name: String) throws(Problem) -> Int64? {
        guard let number = try number(name, in: "from 1") else { return nil }
        guard number > 0 else { throw .invalid(name, "must be a whole number from 1") }
        return Int64(number)
    }

    func time(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = values[name] else { return nil }
        // A plus that was not escaped arrives as a space, and no date and time has one.
        guard let time = Timestamp(rfc3339: text.replacing(" ", with: "+")) else {
            throw .invalid(name, "must be a date and time of RFC 3339, such as 2026-01-31T09:30:00Z")
        }
        return time
    }
}

extension Response {
    /// A page of a list, how many items there are on all pages, and where the next page is (RFC 8288).
    static func list<Item>(
        _ listing: Listing<Item>, _ page: Page, of request: Request, id: (Item) -> Int64,
        _ fill: (inout JSONText, Item) -> Void
    ) -> Response {
        var headers: HTTPFields = [.totalCount: String(listing.total)]
        if let last = listing.items.last, listing.items.count == page.limit {
            let others = (request.uri.query ?? "").split(separator: "&").filter { part in
                !["skip", "after"].contains(part.prefix { $0 != "=" })
            }
            let query = (others + ["after=\(id(last))"]).joined(separator: "&")
            headers[.link] = "<\(request.uri.path)?\(query)>; rel=\"next\""
        }
        return .json(JSONText.array(listing.items, fill), headers: headers)
    }
}

extension LabRequestContext {
    /// The number that the path names; nil for a text that cannot be one.
    var pathID: Int64? {
        guard let text = parameters.get("id"), let number = Int64(text), number > 0,
            String(number) == text
        else { return nil }
        return number
    }
}
