import Hummingbird

/// The fields of a request body, each read once and by its rule.
struct Fields {
    private var values: [String: FlatJSON.Value]

    /// Reads the body. A name that is not among `known` is refused: it is a mistake, or an attempt to set
    /// what a client may not set.
    ///
    /// - Throws: ``Problem`` 413 or 422.
    init(of request: Request, known: Set<String>) async throws(Problem) {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: LabRequestContext.bodyBytes)
        } catch let error as any HTTPResponseError {
            throw Problem(status: error.status)
        } catch {
            throw Problem.invalid("body", "could not be read")
        }
        values = try FlatJSON(buffer).values
        if let stranger = values.keys.filter({ !known.contains($0) }).min() {
            throw .invalid(stranger, "is not a field of this request")
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
