package import RedisClient

extension RESPValue {
    package static let ok = RESPValue.simpleString("OK")
    package static let queued = RESPValue.simpleString("QUEUED")
    package static let zero = RESPValue.integer(0)
    package static let one = RESPValue.integer(1)
    package static let emptyArray = RESPValue.array([])

    package static func text(_ text: String) -> RESPValue { .bulkString(Array(text.utf8)) }

    package static func count(_ number: Int) -> RESPValue { .integer(Int64(number)) }

    /// An error reply. Without a code of its own, which a leading "-" marks, it gets the code ERR.
    package static func refusal(_ text: String) -> RESPValue {
        .error(RedisServerError(message: text.hasPrefix("-") ? String(text.dropFirst()) : "ERR " + text))
    }

    package static let wrongType = refusal(
        "-WRONGTYPE Operation against a key holding the wrong kind of value")
    package static let notAnInteger = refusal("value is not an integer or out of range")
    package static let overflow = refusal("increment or decrement would overflow")
    package static let syntaxError = refusal("syntax error")
    package static let noScript = refusal("-NOSCRIPT No matching script. Please use EVAL.")

    package static func invalidExpireTime(in command: String) -> RESPValue {
        refusal("invalid expire time in '\(command)' command")
    }
}
