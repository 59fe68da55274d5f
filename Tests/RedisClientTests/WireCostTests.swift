import RedisClient
import Testing

/// What `./lab check --cost` counts is a whole command and a whole reply.
@Suite("The wire without a connection")
struct WireCostTests {
    @Test("writes a command with its lengths, and reads a reply when all of its bytes are there")
    func wire() {
        let wire = WireCost()
        #expect(wire.encode(RedisCommand("GET", "ä")) == "*2\r\n$3\r\nGET\r\n$2\r\nä\r\n".utf8.count)
        #expect(wire.decode(Array("*2\r\n:1\r\n$2\r\n".utf8)) == nil)
        #expect(wire.decode(Array("ab\r\n".utf8)) == .array([.integer(1), .bulkString(Array("ab".utf8))]))
        #expect(wire.decode(Array("nonsense\r\n".utf8)) == nil)
    }
}
