import Testing

@testable import RedisClient

@Suite("The reply reader")
struct ReplyReaderTests {
    private func read(_ pieces: [String], limit: Int = 1_000) throws -> [RESPValue] {
        var reader = ReplyReader(maximumReplyBytes: limit)
        var values: [RESPValue] = []
        for piece in pieces {
            let bytes = Array(piece.utf8)
            try unsafe bytes.withUnsafeBytes { try unsafe reader.feed($0) }
            while let value = try reader.next() { values.append(value) }
        }
        return values
    }

    @Test("turns every kind of reply into a value")
    func kinds() throws {
        let values = try read(["+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\0b\r\n$-1\r\n*2\r\n:1\r\n$0\r\n\r\n*-1\r\n"])
        #expect(
            values == [
                .simpleString("OK"), .error(RedisServerError(message: "ERR no")), .integer(-7),
                .bulkString([97, 0, 98]), .null, .array([.integer(1), .bulkString([])]), .null,
            ])
    }

    @Test("puts a reply together from single bytes")
    func singleBytes() throws {
        let text = "*2\r\n$5\r\nhello\r\n:12345\r\n"
        let pieces = text.unicodeScalars.map { String($0) }
        #expect(pieces.count == text.utf8.count)
        let values = try read(pieces)
        #expect(values == [.array([.bulkString(Array("hello".utf8)), .integer(12_345)])])
    }

    @Test("refuses what is not the protocol")
    func malformed() {
        #expect(throws: ReplyReader.Failure.self) { try read(["HTTP/1.1 400 Bad Request\r\n"]) }
    }

    @Test("refuses a reply above the limit, and counts each reply for itself")
    func tooLarge() throws {
        #expect(
            try read(["$50\r\n" + String(repeating: "x", count: 50) + "\r\n", "+OK\r\n"], limit: 60).count
                == 2)
        #expect(throws: ReplyReader.Failure.tooLarge(limit: 60)) {
            try read(["$100\r\n", String(repeating: "x", count: 70)], limit: 60)
        }
    }

    @Test("refuses a reply that is nested too deep")
    func tooDeep() {
        #expect(throws: ReplyReader.Failure.self) {
            try read([String(repeating: "*1\r\n", count: 100)])
        }
    }
}
