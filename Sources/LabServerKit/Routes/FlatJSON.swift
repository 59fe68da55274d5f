import Hummingbird

/// The body of a request: one JSON object of texts, numbers, booleans and nulls, read strictly.
///
/// A general decoder takes 1.0 and 1e3 for whole numbers and lets a name appear twice; here a whole number
/// is written as one, a name appears once, and nothing is nested.
struct FlatJSON {
    enum Value: Equatable {
        case string(String)
        case integer(Int)
        /// A number with a fraction, an exponent, or more digits than 64 bits hold.
        case otherNumber
        case boolean(Bool)
        case null
    }

    private(set) var values: [String: Value] = [:]

    private let bytes: [UInt8]
    private var position = 0

    /// - Throws: ``Problem`` 422 that names the body or the field.
    init(_ buffer: ByteBuffer) throws(Problem) {
        guard String(validating: buffer.readableBytesView, as: UTF8.self) != nil else {
            throw .invalid("body", "must be UTF-8")
        }
        bytes = Array(buffer.readableBytesView)
        values.reserveCapacity(4)
        try readObject()
    }

    private static let malformed = Problem.invalid("body", "must be a JSON object")

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func readObject() throws(Problem) {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { throw Self.malformed }
        skipSpace()
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipSpace()
                let name = try readString()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw Self.malformed }
                skipSpace()
                let value = try readValue(of: name)
                guard values.updateValue(value, forKey: name) == nil else {
                    throw .invalid(name, "must appear once")
                }
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw Self.malformed }
        }
        skipSpace()
        guard next == nil else { throw Self.malformed }
    }

    private mutating func readValue(of name: String) throws(Problem) -> Value {
        switch next {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try readNumber()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            throw .invalid(name, "must not be an object or a list")
        default:
            if takeWord("true") { return .boolean(true) }
            if takeWord("false") { return .boolean(false) }
            if takeWord("null") { return .null }
            throw Self.malformed
        }
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        let text = Array(word.description.utf8)
        guard bytes[position...].starts(with: text) else { return false }
        position += text.count
        return true
    }

    private mutating func readNumber() throws(Problem) -> Value {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let firstDigit = position
        skipDigits()
        let count = position - firstDigit
        guard count > 0, count == 1 || bytes[firstDigit] != UInt8(ascii: "0") else { throw Self.malformed }
        let end = position
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard skipDigits() > 0 else { throw Self.malformed }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw Self.malformed }
        }
        guard isWhole, let number = Int(String(decoding: bytes[start..<end], as: UTF8.self)) else {
            return .otherNumber
        }
        return .integer(number)
    }

    @discardableResult
    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func readString() throws(Problem) -> String {
        guard take(UInt8(ascii: "\"")) else { throw Self.malformed }
        let start = position
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\\") {
            position += 1
            if byte == UInt8(ascii: "\"") {
                return String(decoding: bytes[start..<position - 1], as: UTF8.self)
            }
        }
        var text = Array(bytes[start..<position])
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try readEscape(into: &text)
            case 0..<0x20: throw Self.malformed
            default: text.append(byte)
            }
        }
        throw Self.malformed
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(Problem) {
        guard let byte = next else { throw Self.malformed }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try readScalar()
            text.append(contentsOf: Array(String(scalar).utf8))
        default: throw Self.malformed
        }
    }

    private mutating func readScalar() throws(Problem) -> Unicode.Scalar {
        let first = try readHexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // The first half of a pair, or a half that stands alone.
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw Self.malformed }
        let second = try readHexadecimal()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw Self.malformed }
        return scalar
    }

    private mutating func readHexadecimal() throws(Problem) -> UInt32 {
        guard position + 4 <= bytes.count else { throw Self.malformed }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw Self.malformed }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }
}
