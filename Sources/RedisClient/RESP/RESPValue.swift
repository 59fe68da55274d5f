/// A reply of the Redis protocol, version 2, as a Swift value.
public enum RESPValue: Sendable, Hashable {
    /// A status, such as `OK`.
    case simpleString(String)
    /// Bytes; see ``string``.
    case bulkString([UInt8])
    /// A number.
    case integer(Int64)
    /// Nothing: a key that is not there, a SET NX that was not carried out.
    case null
    /// Several values.
    case array([RESPValue])
    /// An error inside an array. An error as the whole reply is thrown as ``RedisError``.
    case error(RedisServerError)

    /// The text of a string reply; nil for any other kind and for bytes that are not UTF-8.
    public var string: String? {
        switch self {
        case .simpleString(let text): text
        case .bulkString(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The number of an integer reply, or the whole number that a string reply spells.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .simpleString, .bulkString: string.flatMap { Int64($0) }
        default: nil
        }
    }

    /// The error; nil for any other kind.
    public var error: RedisServerError? {
        if case .error(let error) = self { error } else { nil }
    }

    /// The values of an array; nil for any other kind.
    public var array: [RESPValue]? {
        if case .array(let values) = self { values } else { nil }
    }
}
