import NIOCore

/// A command: its name and its arguments, sent with their lengths, so any text is safe in any place.
public struct RedisCommand: Sendable, Hashable {
    /// The name, then the arguments.
    public let arguments: [String]

    /// A command with its arguments, none of which needs quotes.
    public init(_ name: String, _ arguments: String...) {
        self.init(name, arguments)
    }

    /// A command with a list of arguments, none of which needs quotes.
    public init(_ name: String, _ arguments: [String]) {
        self.arguments = [name] + arguments
    }

    /// - Parameter words: The name and the arguments.
    init(words: [String]) {
        arguments = words
    }

    /// `GET`, `SET`, `EVAL` …
    public var name: String { arguments[0] }

    /// Bytes of the command as it is sent.
    private var encodedCount: Int {
        arguments.reduce(3 + Self.digits(of: arguments.count)) { sum, argument in
            let count = argument.utf8.count
            return sum + 5 + Self.digits(of: count) + count
        }
    }

    fileprivate static func digits(of number: Int) -> Int {
        var (rest, digits) = (number / 10, 1)
        while rest > 0 { (rest, digits) = (rest / 10, digits + 1) }
        return digits
    }

    /// Writes all bytes in one go, and not each length and each word by itself.
    func encode(into buffer: inout ByteBuffer) {
        let count = encodedCount
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var line = unsafe WireWriter(bytes)
            unsafe line.put(UInt8(ascii: "*"), arguments.count)
            for argument in arguments {
                unsafe line.put(UInt8(ascii: "$"), argument.utf8.count)
                unsafe line.put(argument)
            }
            return count
        }
    }
}

/// Writes into memory that has room for all that is put there.
@unsafe private struct WireWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeMutableRawBufferPointer) {
        unsafe self.bytes = bytes
    }

    /// A mark, a number, and the end of the line.
    mutating func put(_ mark: UInt8, _ number: Int) {
        unsafe put(mark)
        let end = unsafe position + RedisCommand.digits(of: number)
        var (rest, place) = (number, end)
        repeat {
            place -= 1
            unsafe bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        unsafe position = end
        unsafe endLine()
    }

    mutating func put(_ text: String) {
        let start = unsafe position
        let isWhole: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { text in
            guard let base = text.baseAddress else { return }
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
                .copyMemory(from: UnsafeRawBufferPointer(start: base, count: text.count))
        }
        if isWhole == nil {
            for (index, byte) in text.utf8.enumerated() { unsafe bytes[start + index] = byte }
        }
        unsafe position += text.utf8.count
        unsafe endLine()
    }

    private mutating func put(_ byte: UInt8) {
        unsafe bytes[position] = byte
        unsafe position += 1
    }

    private mutating func endLine() {
        unsafe put(0x0D)
        unsafe put(0x0A)
    }
}
