import Foundation
public import RedisClient
import Synchronization

/// A `redis-server` that we start, stop, kill and pause. Dies with this process.
public final class RedisServerProcess: Sendable {
    public let endpoint: RedisEndpoint
    public let options: RedisServerOptions
    /// Where its files are.
    public let directory: String
    /// Where it listens on 127.0.0.1; 0 on a Unix socket.
    public let port: Int
    private let executable: String
    private let process: Mutex<ChildProcess>
    /// Kept only when the directory is ours; goes with the last reference.
    private let ownDirectory: TemporaryDirectory?

    /// `redis://127.0.0.1:PORT`, `rediss://…` or `redis+unix://PATH`, without the password.
    public var url: String { endpoint.description }

    public var processIdentifier: Int32 { process.withLock(\.processIdentifier) }

    public var isRunning: Bool { process.withLock(\.isRunning) }

    /// The newest lines of its log.
    public var log: [String] { process.withLock { $0.lines() } }

    /// Starts a server and waits until it answers PING.
    ///
    /// - Parameters:
    ///   - directory: For its files; nil makes a temporary one.
    ///   - executable: The program; nil takes `REDIS_BIN` of the environment, else `redis-server`.
    /// - Throws: ``LabProcessError``; no process is left then.
    public static func start(
        _ options: RedisServerOptions = RedisServerOptions(), directory: String? = nil,
        executable: String? = nil
    ) async throws(LabProcessError) -> RedisServerProcess {
        let own = directory == nil ? try TemporaryDirectory(prefix: "lab-redis") : nil
        let place = directory ?? own?.path ?? ""
        let program = try find(executable)
        // A picked port may be taken by somebody else before the server binds it.
        var attemptsLeft = 10
        while true {
            attemptsLeft -= 1
            let port = try choosePort(options.listener)
            do throws(LabProcessError) {
                let child = try await launch(options, place, program, port)
                return RedisServerProcess(options, place, own, program, port, child)
            } catch {
                let isTaken = error.output.contains { $0.contains("Address already in use") }
                guard options.listener == .tcp(port: nil), isTaken, attemptsLeft > 0 else { throw error }
            }
        }
    }

    private init(
        _ options: RedisServerOptions, _ directory: String, _ own: TemporaryDirectory?,
        _ executable: String, _ port: Int, _ child: ChildProcess
    ) {
        self.options = options
        self.directory = directory
        self.executable = executable
        self.port = port
        ownDirectory = own
        process = Mutex(child)
        endpoint = Self.endpoint(options, directory, port)
    }

    /// Stops the server; it writes what it must first. A second call does nothing.
    public func stop() async {
        await process.withLock { $0 }.terminate(grace: options.stopLimit)
    }

    /// Kills the server (SIGKILL), as a crash would.
    public func kill() async {
        await process.withLock { $0 }.killNow()
    }

    /// Stops the server's time (SIGSTOP): connections stay open and nothing answers.
    public func pause() { process.withLock { $0.signal(SIGSTOP) } }

    /// Lets a paused server go on.
    public func resume() { process.withLock { $0.signal(SIGCONT) } }

    /// Starts the server again on the same address and files, after ``stop()`` or ``kill()``; a server
    /// that still runs is stopped first.
    public func restart() async throws(LabProcessError) {
        await stop()
        let child = try await Self.launch(options, directory, executable, port)
        process.withLock { $0 = child }
    }
}

extension RedisServerProcess {
    private static func find(_ executable: String?) throws(LabProcessError) -> String {
        let name = executable ?? ProcessInfo.processInfo.environment["REDIS_BIN"] ?? "redis-server"
        if let path = Executable.find(name) { return path }
        throw LabProcessError(
            .executableMissing,
            "there is no program \(name); install redis-server (apt-get install redis-server) "
                + "or set REDIS_BIN")
    }

    private static func choosePort(
        _ listener: RedisServerOptions.Listener
    ) throws(LabProcessError) -> Int {
        switch listener {
        case .tcp(let port?): port
        case .tcp(nil): try FreePort.pick()
        case .unixSocket: 0
        }
    }

    private static func endpoint(
        _ options: RedisServerOptions, _ directory: String, _ port: Int
    ) -> RedisEndpoint {
        switch options.listener {
        case .tcp:
            RedisEndpoint(
                .tcp(host: "127.0.0.1", port: port), password: options.password,
                tls: options.encryption?.client)
        case .unixSocket:
            RedisEndpoint(.unixSocket(path: "\(directory)/redis.sock"), password: options.password)
        }
    }

    private static func launch(
        _ options: RedisServerOptions, _ directory: String, _ executable: String, _ port: Int
    ) async throws(LabProcessError) -> ChildProcess {
        if options.listener == .unixSocket && "\(directory)/redis.sock".utf8.count > 107 {
            throw LabProcessError(.noResource, "the path of the socket in \(directory) is too long")
        }
        let child = try await ChildProcess.start(
            executable, options.commandLine(directory: directory, port: port),
            environment: ProcessInfo.processInfo.environment.merging(options.variables) { $1 })
        // Printed once the socket is open and the files are read, so nobody has to poll.
        let ready = await child.line(within: options.startLimit) {
            // "Ready to accept…" for a port, "The server is now ready to accept…" for a socket.
            $0.contains("eady to accept connections")
        }
        guard ready != nil else {
            let didEnd = await child.waitUntilExit(within: .zero) != nil
            await child.killNow()
            throw LabProcessError(
                didEnd ? .endedEarly : .notReady,
                didEnd ? "redis-server ended at once" : "redis-server was not ready in time",
                output: child.lines())
        }
        do {
            try await ping(endpoint(options, directory, port), within: options.startLimit)
            return child
        } catch {
            await child.killNow()
            throw LabProcessError(
                .notReady, "redis-server does not answer PING (\(error))", output: child.lines())
        }
    }

    private static func ping(_ endpoint: RedisEndpoint, within limit: Duration) async throws(RedisError) {
        let client = RedisClient(endpoint, limits: .init(connect: limit, command: limit))
        let result: Result<Void, RedisError>
        do throws(RedisError) {
            _ = try await client.send(RedisCommand("PING"))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await client.close()
        try result.get()
    }
}

/// Runs `body` with a fresh `redis-server` that is stopped afterwards, whatever happened.
public func withRedisServer<Value>(
    _ options: RedisServerOptions = RedisServerOptions(),
    _ body: (RedisServerProcess) async throws -> Value
) async throws -> Value {
    let server = try await RedisServerProcess.start(options)
    do {
        let value = try await body(server)
        await server.stop()
        return value
    } catch {
        await server.stop()
        throw error
    }
}
