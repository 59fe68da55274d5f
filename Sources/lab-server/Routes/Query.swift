import HTTPTypes
import Hummingbird
import HummingbirdCore
import InventoryService

extension HTTPField.Name {
    /// Items on all pages of a list.
    static let totalCount = HTTPField.Name("X-Total-Count")!
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

    var page: Page {
        get throws {
            try Page(
                skip: number("skip", in: "from 0") ?? 0, limit: number("limit", in: "from 1 to 100") ?? 100)
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

extension LabRequestContext {
    /// The number that the path names; nil for a text that cannot be one.
    var pathID: Int64? {
        guard let text = parameters.get("id"), let number = Int64(text), number > 0,
            String(number) == text
        else { return nil }
        return number
    }
}
