import Hummingbird

/// The fields of a request body, each read once and by its rule.
struct Fields {
    private var values: [String: FlatJSON.Value]

    /// Reads the body. A name that the operation does not declare is refused: it is a mistake, or an attempt
    /// to set what a client may not set.
    ///
    /// - Throws: ``Problem`` 413, 415 or 422.
    init(of request: Request, for operation: OperationID) async throws(Problem) {
        let known = RouteTable[operation].bodyNames
        guard Self.isJSON(request.headers[.contentType]) else { throw .wrongContentType }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: LabRequestContext.bodyBytes)
        } catch let error as any HTTPResponseError {
            throw error.status == .contentTooLarge ? .bodyTooLong : Problem(status: error.status)
        } catch {
            throw Problem.invalid("body", "could not be read")
        }
        values = try FlatJSON(buffer).values
        if let stranger = values.keys.filter({ !known.contains($0) }).min() {
            throw .invalid(stranger, "is not a field of this request")
        }
    }

    /// JSON has one encoding, so a charset may be named and says nothing.
    private static func isJSON(_ type: String?) -> Bool {
        guard let type else { return false }
        let essence = type.prefix { $0 != ";" }.lowercased()
        return essence == "application/json" || essence.filter { $0 != " " } == "application/json"
    }

    /// Whether the body names the field, if only with null.
    func isGiven(_ name: String) -> Bool { values[name] != nil }

    func boolean(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case .boolean(let value): return value
        case nil: throw .invalid(name, "is missing")
        default: throw .invalid(name, "must be true or false")
        }
    }

    func text(_ name: String) throws(Problem) -> String {
        switch values[name] {
        case .string(let text): return text
        case nil: throw .invalid(name, "is missing")
        default: throw .invalid(name, "must be a text")
        }
    }

    /// A text that may be absent or null.
    func optionalText(_ name: String) throws(Problem) -> String? {
        switch values[name] {
        case .string(let text): return text
        case nil, .null: return nil
        default: throw .invalid(name, "must be a text or null")
        }
    }

    func integer(_ name: String) throws(Problem) -> Int {
        switch values[name] {
        case .integer(let number): return number
        case nil: throw .invalid(name, "is missing")
        default: throw .invalid(name, "must be a whole number")
        }
    }
}
