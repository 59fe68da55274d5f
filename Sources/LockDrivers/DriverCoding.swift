import Foundation

/// Lines to values and back.
package enum DriverCoding {
    /// With its newline.
    package static func line(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // These values hold texts and whole numbers only.
        guard let data = try? encoder.encode(value) else { preconditionFailure("a line cannot be encoded") }
        return [UInt8](data) + [0x0A]
    }

    static func read(_ bytes: ArraySlice<UInt8>) throws(DriverError) -> DriverLine {
        try read(DriverLine.self, bytes)
    }

    /// - Throws: What is wrong with the line, in one sentence.
    package static func read<Value: Decodable>(
        _ type: Value.Type, _ bytes: ArraySlice<UInt8>
    ) throws(DriverError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw DriverError(
                .wrongLine, "the driver wrote a line that \(what(error)): \(DriverError.quoted(bytes))")
        } catch {
            throw DriverError(
                .wrongLine, "the driver wrote a line that is not JSON: \(DriverError.quoted(bytes))")
        }
    }

    private static func what(_ error: DecodingError) -> String {
        func name(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
        switch error {
        case .keyNotFound(let key, let context): return "lacks \(name(context.codingPath + [key]))"
        case .typeMismatch(_, let context) where context.codingPath.isEmpty: return "is no JSON object"
        case .typeMismatch(_, let context): return "has a wrong type of \(name(context.codingPath))"
        case .valueNotFound(_, let context): return "has null as \(name(context.codingPath))"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "has a number out of range as \(name(context.codingPath))"
        default: return "is not JSON in UTF-8"
        }
    }
}
