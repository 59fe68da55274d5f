/// Which trace a request belongs to and which step of it this is, as the W3C Recommendation "Trace Context"
/// (level 1) writes it down.
struct TraceContext: Sendable, Hashable {
    /// 128 bits, not all of them zero.
    struct TraceID: Sendable, Hashable {
        let high: UInt64
        let low: UInt64
    }

    let traceID: TraceID
    /// Id of the step: the parent's in a request, our own in an answer. Not zero.
    var spanID: UInt64
    /// Whether the caller records this trace.
    let isSampled: Bool
    /// What tracing systems handed on for themselves, unchanged; nil when there is none, or it breaks the
    /// rules.
    var state: String?

    /// A trace that begins with us. Nobody records it.
    init(new traceID: TraceID, spanID: UInt64) {
        self.traceID = traceID
        self.spanID = spanID
        isSampled = false
    }

    /// Bytes of a header that are looked at; version 00 has 55, and nobody knows how long a later one is.
    private static let longest = 256

    /// Reads a `traceparent` of version 00, and what version 00 knows of a later one.
    ///
    /// - Parameters:
    ///   - header: From outside, so anything. Two headers in one, with a comma, are none.
    ///   - state: The `tracestate` beside it, checked too.
    /// - Returns: Nil when it breaks the rules; the request then begins a trace of its own.
    init?(traceparent header: String, state: String? = nil) {
        guard (55...Self.longest).contains(header.utf8.count) else { return nil }
        let bytes = Array(header.utf8)
        guard bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"), bytes[52] == UInt8(ascii: "-"),
            let version = Self.number(bytes[0..<2]), version != 0xFF,
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let parent = Self.number(bytes[36..<52]), let flags = Self.number(bytes[53..<55]),
            high != 0 || low != 0, parent != 0
        else { return nil }
        // What follows, only a later version may say.
        guard bytes.count == 55 || (version > 0 && bytes[55] == UInt8(ascii: "-")) else { return nil }
        traceID = TraceID(high: high, low: low)
        spanID = parent
        isSampled = flags & 1 == 1
        self.state = state.flatMap { TraceState.isValid($0) ? $0 : nil }
    }

    /// As a header of version 00, which is the only one that we speak.
    var traceparent: String {
        unsafe String(unsafeUninitializedCapacity: 55) { place in
            var position = 0
            func put(_ byte: UInt8) {
                unsafe place[position] = byte
                position += 1
            }
            func put(_ number: UInt64) {
                for shift in stride(from: UInt64(60), through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: number >> shift) & 0xF
                    put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                }
            }
            "00-".utf8.forEach(put)
            put(traceID.high)
            put(traceID.low)
            put(UInt8(ascii: "-"))
            put(spanID)
            (isSampled ? "-01" : "-00").utf8.forEach(put)
            return position
        }
    }

    /// As logs and traces show it.
    var traceIDText: String { String(traceparent.dropFirst(3).prefix(32)) }

    var spanIDText: String { String(traceparent.dropFirst(36).prefix(16)) }

    /// Digits in small letters only.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(value)
        }
        return number
    }
}
