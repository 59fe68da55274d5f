import ConnectionFailures
import LabTesting
import NIOCore
import NIOPosix
import RedisClient
import Testing

/// What a person is told when a connection fails.
@Suite struct ConnectionFailureTests {
    private func failure(connectingTo host: String, _ port: Int) async throws -> any Error {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(20))
        return try #require(
            await #expect(throws: (any Error).self) {
                _ = try await bootstrap.connect(host: host, port: port).get()
            })
    }

    @Test("A port that refuses is one sentence, with no name of a library in it, by address and by name")
    func refused() async throws {
        let port = try DeadPort()
        for host in ["127.0.0.1", "localhost"] {
            let error = try await failure(connectingTo: host, port.number)
            // NIO's own words are the ones that nobody understands.
            #expect("\(error)".contains("SingleConnectionFailure"))
            #expect(
                ConnectionFailure.sentence(connectingTo: host, port.number, error)
                    == "cannot connect to \(host):\(port.number): connection refused")
        }
    }

    @Test("A name without an address, a time limit and an end are sentences too; IPv6 stands in brackets")
    func others() async throws {
        let unknown = try await failure(connectingTo: "no-such-host.invalid", 80)
        #expect(
            ConnectionFailure.sentence(connectingTo: "no-such-host.invalid", 80, unknown)
                == "cannot connect to no-such-host.invalid:80: the name no-such-host.invalid has no address")
        #expect(
            ConnectionFailure.sentence(
                connectingTo: "::1", 80, ChannelError.connectTimeout(.seconds(1)))
                == "cannot connect to [::1]:80: no answer within the time limit")
        #expect(ConnectionFailure.reason(for: ChannelError.eof) == "the connection ended too early")
    }

    @Test("A Redis that refuses is told in the same words")
    func redis() async throws {
        let port = try DeadPort()
        let client = RedisClient(
            try #require(RedisEndpoint.list(parsing: "redis://127.0.0.1:\(port.number)").first))
        let error = await #expect(throws: RedisError.self) { _ = try await client.send(RedisCommand("PING")) }
        #expect(
            error?.context
                == "cannot connect to redis://127.0.0.1:\(port.number): connection refused")
        await client.close()
    }
}
