import Foundation
import HTTPTypes
import Synchronization

@testable import LabServerKit

/// Holds answers against the OpenAPI document: the part of JSON Schema that the document uses, read anew.
final class DocumentCheck: @unchecked Sendable {
    // Protected by `lock`; the document is only read.
    private let lock = Mutex(())
    private let document: [String: Any]
    private var found: [String] = []
    private var statuses: [OperationID: Set<Int>] = [:]

    /// The document, written once.
    static let text = OpenAPIDocument.tree.json

    init(_ text: String = DocumentCheck.text) throws {
        let json = try JSONSerialization.jsonObject(with: Data(text.utf8))
        document = json as? [String: Any] ?? [:]
    }

    var findings: [String] { lock.withLock { _ in found } }
    var seen: [OperationID: Set<Int>] { lock.withLock { _ in statuses } }

    private func report(_ finding: String) { lock.withLock { _ in found.append(finding) } }

    func look(_ id: OperationID, status: Int, type: String?, body: String, headers: HTTPFields) {
        lock.withLock { _ in _ = statuses[id, default: []].insert(status) }
        let route = RouteTable[id]
        let operation = dictionary(
            document, "paths", route.path, route.method.rawValue.lowercased())
        guard let operation else { return report("\(id) is not in the document") }
        guard let response = dictionary(operation, "responses", String(status)) else {
            return report("\(id) answered \(status), which is not in the document")
        }
        for (name, header) in response["headers"] as? [String: [String: Any]] ?? [:]
        where header["required"] as? Bool == true {
            if let field = HTTPField.Name(name), headers[field] == nil {
                report("\(id) \(status) lacks the header \(name)")
            }
        }
        guard let content = response["content"] as? [String: Any] else {
            if !body.isEmpty { report("\(id) \(status) has a body, and none is documented") }
            return
        }
        // What stands behind the type, such as its charset, is not part of its name.
        let name = type?.prefix { $0 != ";" }
        guard let schema = dictionary(content, String(name ?? "none"), "schema") else {
            return report("\(id) \(status) came as \(type ?? "nothing"), which is not in the document")
        }
        guard name?.hasSuffix("json") == true else { return check(body, schema, "\(id) \(status)") }
        let json = try? JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed)
        check(json ?? NSNull(), schema, "\(id) \(status)")
    }

    /// Holds each example of the document against the schema beside it.
    ///
    /// - Returns: How many there are.
    func lookAtExamples() -> Int { lookAtExamples(in: document, "#") }

    private func lookAtExamples(in value: Any, _ place: String) -> Int {
        if let list = value as? [Any] {
            return list.enumerated().reduce(0) {
                $0 + lookAtExamples(in: $1.element, "\(place)/\($1.offset)")
            }
        }
        guard let object = value as? [String: Any] else { return 0 }
        if let schema = object["schema"] as? [String: Any],
            let examples = object["examples"] as? [String: Any]
        {
            if examples.isEmpty { report("\(place) has no example") }
            for (name, example) in examples {
                guard let example = (example as? [String: Any])?["value"] else {
                    report("\(place) has an example without a value")
                    continue
                }
                check(example, schema, "\(place)/\(name)")
            }
            return examples.count
        }
        return object.reduce(0) { $0 + lookAtExamples(in: $1.value, "\(place)/\($1.key)") }
    }

    private func dictionary(_ start: [String: Any], _ names: String...) -> [String: Any]? {
        names.reduce(start) { $0?[$1] as? [String: Any] }
    }

    private func check(_ value: Any, _ given: [String: Any], _ place: String) {
        var schema = given
        if let reference = schema["$ref"] as? String {
            let name = String(reference.split(separator: "/").last ?? "")
            guard let target = dictionary(document, "components", "schemas", name) else {
                return report("\(place): there is no schema \(name)")
            }
            schema = target
        }
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        guard types.contains(where: { Self.isOf(value, $0) }) else {
            return report("\(place) is not \(types)")
        }
        if let text = value as? String { checkText(text, schema, place) }
        if let number = value as? Int, types.contains("integer") {
            if let least = schema["minimum"] as? Int, number < least { report("\(place) is below \(least)") }
            if let most = schema["maximum"] as? Int, number > most { report("\(place) is above \(most)") }
        }
        if let items = schema["items"] as? [String: Any], let list = value as? [Any] {
            for item in list { check(item, items, place + "[]") }
        }
        guard let object = value as? [String: Any],
            let fields = schema["properties"] as? [String: [String: Any]]
        else { return }
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            report("\(place) lacks \(name)")
        }
        for (name, member) in object {
            guard let field = fields[name] else {
                report("\(place) has \(name), which is not in the document")
                continue
            }
            check(member, field, "\(place).\(name)")
        }
    }

    private func checkText(_ text: String, _ schema: [String: Any], _ place: String) {
        let count = text.unicodeScalars.count
        if let least = schema["minLength"] as? Int, count < least { report("\(place) is too short") }
        if let most = schema["maxLength"] as? Int, count > most { report("\(place) is too long") }
        if let choices = schema["enum"] as? [String], !choices.contains(text) {
            report("\(place) is \(text), which is not among \(choices)")
        }
        if schema["format"] as? String == "date-time",
            text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/) == nil
        {
            report("\(place) is no date and time")
        }
    }

    private static func isOf(_ value: Any, _ type: String) -> Bool {
        let isTruth = (value as? NSNumber).map { isBoolean($0) } ?? false
        switch type {
        case "null": return value is NSNull
        case "string": return value is String
        case "integer": return !isTruth && value is Int
        case "boolean": return isTruth
        case "array": return value is [Any]
        case "object": return value is [String: Any]
        default: return false
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool {
        unsafe String(cString: number.objCType) == "c"
    }
}
