import Hummingbird
import InventoryService

/// Writes JSON straight into a buffer: the one place where answers get their form. An encoder that looks
/// at types while it runs costs more than the rest of a purchase's answer.
struct JSONText {
    /// With room for the answer to a purchase.
    private(set) var buffer = ByteBufferAllocator().buffer(capacity: 192)
    private var needsComma = false

    static func object(_ fill: (inout JSONText) -> Void) -> ByteBuffer {
        var text = JSONText()
        text.object(fill)
        return text.buffer
    }

    static func array<Item>(_ items: [Item], _ fill: (inout JSONText, Item) -> Void) -> ByteBuffer {
        var text = JSONText()
        text.array(items, fill)
        return text.buffer
    }

    private mutating func object(_ fill: (inout JSONText) -> Void) {
        buffer.writeString("{")
        needsComma = false
        fill(&self)
        buffer.writeString("}")
        needsComma = true
    }

    private mutating func array<Item>(_ items: [Item], _ fill: (inout JSONText, Item) -> Void) {
        buffer.writeString("[")
        for (index, item) in items.enumerated() {
            if index > 0 { buffer.writeString(",") }
            object { fill(&$0, item) }
        }
        buffer.writeString("]")
        needsComma = true
    }

    private mutating func name(_ name: StaticString) {
        buffer.writeString(needsComma ? ",\"" : "\"")
        buffer.writeStaticString(name)
        buffer.writeString("\":")
        needsComma = true
    }

    mutating func field(_ name: StaticString, _ number: Int64) {
        self.name(name)
        buffer.writeString(String(number))
    }

    mutating func field(_ name: StaticString, _ number: Int?) {
        self.name(name)
        buffer.writeString(number.map { String($0) } ?? "null")
    }

    mutating func field(_ name: StaticString, _ time: Timestamp) {
        self.name(name)
        buffer.writeString("\"")
        buffer.writeString(time.description)
        buffer.writeString("\"")
    }

    mutating func field(_ name: StaticString, _ text: String?) {
        self.name(name)
        guard let text else {
            buffer.writeString("null")
            return
        }
        string(text)
    }

    mutating func field(_ name: StaticString, _ texts: [String]) {
        self.name(name)
        buffer.writeString("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { buffer.writeString(",") }
            string(text)
        }
        buffer.writeString("]")
    }

    mutating func field<Item>(
        _ name: StaticString, _ items: [Item], _ fill: (inout JSONText, Item) -> Void
    ) {
        self.name(name)
        array(items, fill)
    }

    /// The text as a JSON string.
    static func quoted(_ text: String) -> String {
        var json = JSONText()
        json.string(text)
        return String(buffer: json.buffer)
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        self.name(name)
        buffer.writeString(value ? "true" : "false")
    }

    private mutating func string(_ text: String) {
        buffer.writeString("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): buffer.writeString("\\\"")
            case UInt8(ascii: "\\"): buffer.writeString("\\\\")
            case 0x0A: buffer.writeString("\\n")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                buffer.writeString("\\u00" + (digits.count == 1 ? "0" : "") + digits)
            default: buffer.writeInteger(byte)
            }
        }
        buffer.writeString("\"")
    }
}

extension Response {
    /// A JSON answer. It is about one user's data or a stock that changes, so nobody may keep it.
    static func json(
        _ body: ByteBuffer, status: HTTPResponse.Status = .ok, type: String = "application/json",
        headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        // With those that the layers around a route add.
        headers.reserveCapacity(16)
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// 204: it is done, and there is nothing to say.
    static var empty: Response {
        Response(status: .noContent, headers: [.cacheControl: "no-store"])
    }
}
