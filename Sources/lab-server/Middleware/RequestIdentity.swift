import HTTPTypes
import Synchronization

/// Names requests: as the client did, where that is fit for a log, else by a number of our own.
final class RequestIdentity: Sendable {
    private let prefix: String
    private let count = Atomic<UInt64>(0)

    /// - Parameter prefix: Tells this process's requests from another's.
    init(prefix: String) {
        self.prefix = prefix
    }

    func name(_ given: String?) -> String {
        if let given, Self.isSane(given) { return given }
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(prefix)-\(String(number, radix: 16))"
    }

    /// 1 to 64 letters, digits, dots, dashes and underscores: nothing that a log or a terminal would obey.
    static func isSane(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...64).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-ID")!
    static let host = HTTPField.Name("Host")!
}
