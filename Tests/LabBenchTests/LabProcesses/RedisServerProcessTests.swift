import Foundation
import LabProcesses
import LabTesting
import RedisClient
import Testing

@Suite("A redis-server of ours", .timeLimit(.minutes(10)))
struct RedisServerProcessTests {
    static let listeners: [RedisServerOptions.Listener] = [.tcp(port: nil), .unixSocket]

    private func send(_ server: RedisServerProcess, _ name: String, _ arguments: String...) async throws
        -> RESPValue
    {
        let client = RedisClient(server.endpoint, limits: .patient)
        do {
            let value = try await client.send(RedisCommand(name, arguments))
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    @Test("answers as soon as it is started", arguments: listeners)
    func starts(listener: RedisServerOptions.Listener) async throws {
        try await withRedisServer(RedisServerOptions(listener: listener)) { server in
            let answer = try await send(server, "PING").string
            #expect(answer == "PONG")
        }
    }

    @Test("is gone after the block, also when the block throws")
    func stops() async throws {
        struct Failure: Error {}
        var pid: Int32 = 0
        await #expect(throws: Failure.self) {
            try await withRedisServer { server in
                pid = server.processIdentifier
                throw Failure()
            }
        }
        #expect(pid > 0)
        #expect(kill(pid, 0) == -1)
    }

    @Test(
        "comes back on the same address, with what its persistence promises",
        arguments: [
            (RedisServerOptions.Persistence.none, false),
            (.aofEverySecond, true),
            (.aofAlways, true),
        ])
    func restart(persistence: RedisServerOptions.Persistence, keeps: Bool) async throws {
        try await withRedisServer(RedisServerOptions(persistence: persistence)) { server in
            let url = server.url
            _ = try await send(server, "SET", "k", "v")
            await server.stop()
            try await server.restart()
            #expect(server.url == url)
            let kept = try await send(server, "GET", "k").string
            #expect(kept == (keeps ? "v" : nil))
        }
    }

    @Test("keeps acknowledged writes over kill -9 when it writes each one")
    func killed() async throws {
        try await withRedisServer(RedisServerOptions(persistence: .aofAlways)) { server in
            _ = try await send(server, "SET", "k", "v")
            await server.kill()
            #expect(!server.isRunning)
            try await server.restart()
            let answer = try await send(server, "GET", "k").string
            #expect(answer == "v")
        }
    }

    @Test("answers nothing while it is paused")
    func pause() async throws {
        try await withRedisServer { server in
            server.pause()
            let client = RedisClient(
                server.endpoint, limits: .init(connect: .milliseconds(50), command: .milliseconds(50)))
            await #expect(throws: RedisError.self) { _ = try await client.send(RedisCommand("PING")) }
            await client.close()
            server.resume()
            let answer = try await send(server, "PING").string
            #expect(answer == "PONG")
        }
    }

    @Test("says which port was taken")
    func taken() async throws {
        try await withRedisServer { server in
            guard case .tcp(_, let port) = server.endpoint.address else { return }
            let error = await #expect(throws: LabProcessError.self) {
                _ = try await RedisServerProcess.start(RedisServerOptions(listener: .tcp(port: port)))
            }
            #expect(error?.code == .endedEarly)
            #expect(error?.output.contains { $0.contains("Address already in use") } == true)
        }
    }

    @Test("says how to get a missing redis-server")
    func missing() async throws {
        let error = await #expect(throws: LabProcessError.self) {
            _ = try await RedisServerProcess.start(executable: "/no/such/redis-server")
        }
        #expect(error?.code == .executableMissing)
        #expect(error?.description.contains("install redis-server") == true)
    }
}

@Suite("A temporary directory")
struct TemporaryDirectoryTests {
    @Test("goes with everything in it")
    func removed() throws {
        var directory: TemporaryDirectory? = try TemporaryDirectory()
        let path = try #require(directory).path
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(path)/file"))
        directory = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
