/// One field of a request or an answer: what a client reads about it, and what the server holds to.
struct FieldDeclaration: Sendable {
    let name: String
    let shape: ValueShape
    var isRequired = true
    var isNullable = false
    let note: String
    let example: JSONTree

    init(
        _ name: String, _ shape: ValueShape, isRequired: Bool = true, isNullable: Bool = false,
        _ note: String, example: JSONTree
    ) {
        self.name = name
        self.shape = shape
        self.isRequired = isRequired
        self.isNullable = isNullable
        self.note = note
        self.example = example
    }
}

/// The values that a field may have.
enum ValueShape: Sendable {
    /// Characters are Unicode scalars, as JSON Schema counts them.
    case text(ClosedRange<Int>, pattern: String? = nil, isSecret: Bool = false)
    /// RFC 3339.
    case time
    case wholeNumber(ClosedRange<Int>)
    case boolean
    case choice([String])
    case texts
    case objects(ObjectDeclaration)
    /// A document of any form.
    case anything

    /// As JSON Schema.
    func schema(isNullable: Bool) -> JSONTree {
        func type(_ name: String) -> JSONTree {
            isNullable ? ["type": [.text(name), "null"]] : ["type": .text(name)]
        }
        switch self {
        case .text(let range, let pattern, let isSecret):
            var tree = type("string").adding(
                ["minLength": .number(range.lowerBound), "maxLength": .number(range.upperBound)])
            if let pattern { tree = tree.adding(["pattern": .text(pattern)]) }
            return isSecret ? tree.adding(["format": "password"]) : tree
        case .time: return type("string").adding(["format": "date-time"])
        case .wholeNumber(let range):
            return type("integer").adding(
                [
                    "format": "int64", "minimum": .number(range.lowerBound),
                    "maximum": .number(range.upperBound),
                ])
        case .boolean: return type("boolean")
        case .choice(let names):
            return type("string").adding([
                "enum": .array(names.map { .text($0) } + (isNullable ? [.null] : []))
            ])
        case .texts: return type("array").adding(["items": ["type": "string"]])
        case .objects(let object): return type("array").adding(["items": object.schema])
        case .anything: return type("object")
        }
    }
}

/// The fields of a JSON object, under a name of its own in the document.
struct ObjectDeclaration: Sendable {
    let name: String
    let fields: [FieldDeclaration]

    var schema: JSONTree {
        let properties = fields.map { field in
            JSONTree.Member(
                name: field.name,
                value: field.shape.schema(isNullable: field.isNullable).adding(
                    ["description": .text(field.note), "examples": [field.example]]))
        }
        let required = fields.filter(\.isRequired).map { JSONTree.text($0.name) }
        let tree: JSONTree = ["type": "object", "properties": .object(properties)]
        return tree.adding(["required": .array(required), "additionalProperties": false])
    }

    var example: JSONTree {
        .object(fields.map { .init(name: $0.name, value: $0.example) })
    }
}
