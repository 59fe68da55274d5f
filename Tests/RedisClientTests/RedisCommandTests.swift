import NIOCore
import Testing

@testable import RedisClient

@Suite("A command as bytes")
struct RedisCommandTests {
    @Test(
        "has its lengths in decimal digits, whatever their number",
        arguments: [0, 1, 9, 10, 11, 99, 100, 101, 999, 1_000, 12_345, 100_000])
    func lengths(_ length: Int) {
        let text = String(repeating: "x", count: length)
        var buffer = ByteBuffer()
        RedisCommand("SET", [text] + Array(repeating: "k", count: 10)).encode(into: &buffer)
        let others = String(repeating: "$1\r\nk\r\n", count: 10)
        #expect(
            String(buffer: buffer) == "*12\r\n$3\r\nSET\r\n$\(length)\r\n\(text)\r\n" + others)
    }
}
