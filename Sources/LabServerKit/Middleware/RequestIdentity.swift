import HTTPTypes
import LockStrategies
import Synchronization

/// Names requests and their place in a trace: as the client did, where that is fit for a log, else by numbers
/// of our own.
final class RequestIdentity: Sendable {
    private let prefix: String
    private let count = Atomic<UInt64>(0)
    /// Nobody guards anything by the numbers of traces, so they need not ask the system each time.
    private let random = RandomSource.seeded(RandomSource.system.next())

    /// - Parameter prefix: Tells this process's requests from another's.
    init(prefix: String) {
        self.prefix = prefix
    }

    /// The mark of a request with these headers: its trace goes on with a step of ours, or begins.
    func mark(_ headers: HTTPFields) -> RequestMark {
        let step = max(1, random.next())
        var trace: TraceContext
        if let caller = headers.trace {
            trace = caller
            trace.spanID = step
        } else {
            trace = TraceContext(new: .init(high: random.next(), low: max(1, random.next())), spanID: step)
        }
        return RequestMark(requestID: name(headers[.requestID]), trace: trace)
    }

    private func name(_ given: String?) -> String {
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
