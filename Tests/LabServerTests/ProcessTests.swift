import Foundation
import InventoryService
import LabProcesses
import LedgerSQLite
import Testing

@testable import LabServerKit

/// The built program as a process of its own.
@Suite struct ProcessTests {
    private static let secret = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"

    private func start(_ arguments: [String], secret: String? = secret) async throws -> ChildProcess {
        let test = try #require(Executable.current())
        let program = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent(
            "lab-server")
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_JWT_SECRET"] = secret
        return try await ChildProcess.start(program.path, arguments, environment: environment)
    }

    /// Starts a server that is expected to serve.
    private func serve(_ arguments: [String]) async throws -> (ChildProcess, ApiClient) {
        let child = try await start(arguments + ["--port", "0"])
        let line = try #require(
            await child.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(child.lines())")
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        let port = try #require(ports.first)
        return (child, ApiClient(port: port))
    }

    /// Starts a server that is expected to refuse, with one line and this code.
    private func refusal(_ arguments: [String], secret: String? = secret, code: Int32, _ part: String)
        async throws
    {
        let child = try await start(arguments, secret: secret)
        #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(code))
        let errors = child.lines(of: .standardError)
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.hasPrefix("lab-server: ") == true)
        #expect(errors.first?.contains(part) == true, "\(errors)")
        #expect(child.lines(of: .standardOutput).isEmpty)
    }

    @Test(
        "Flags that cannot work end with one line and code 64",
        arguments: [
            (["--strategy", "magic"], "known are: unguarded, setnx-spin"),
            (["--redis", "http://x"], "scheme"),
            (["--redis", "redis+cluster://127.0.0.1:1/3"], "database 0"),
            (["--redis", "rediss://127.0.0.1:1?ca=/no/such.pem"], "ca=/no/such.pem cannot be read"),
            (["--redis", ""], "URL"), (["--redis", "redis://192.0.2.1:6379"], "rediss://"),
            (["--port", "70000"], "--port"), (["--port", "x"], "--port"),
            (["--bcrypt-cost", "4"], "--dev"), (["--purchase-deadline-ms", "0"], "--purchase-deadline-ms"),
            (["--database", "postgres://x"], "postgres://host/NAME"),
            (["--log-level", "loud"], "--log-level"),
            (["--nonsense"], "--nonsense"),
            (["--strategy", "redlock", "--redis", "redis://127.0.0.1:1"], "lock nodes"),
        ])
    func usage(arguments: [String], part: String) async throws {
        try await refusal(arguments, code: 64, part)
    }

    @Test(
        "S17 · outside --dev a missing, short or well-known secret ends with one line and code 78",
        arguments: [
            nil, "", "short", String(repeating: "s", count: 31), String(repeating: "s", count: 40),
            "your-secret-key-change-in-production",
        ])
    func unsafeSecrets(secret: String?) async throws {
        try await refusal(["--redis", "redis://127.0.0.1:1"], secret: secret, code: 78, "secret")
    }

    @Test("A Redis that does not answer ends with one line and code 6")
    func redisAway() async throws {
        let port = try FreePort.pick()
        try await refusal(["--redis", "redis://127.0.0.1:\(port)"], code: 6, "127.0.0.1:\(port)")
    }

    @Test(
        "A database that cannot be written, or is another server's, ends with one line and code 73; a used port with 69"
    )
    func resources() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-start")
        let database = "sqlite:" + directory.file("l.sqlite")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let missing = "sqlite:" + directory.file("missing/l.sqlite")
            try await refusal(["--redis", redis.url, "--database", missing], code: 73, "missing/l.sqlite")
            let (first, client) = try await serve(["--redis", redis.url, "--database", database])
            try await refusal(["--redis", redis.url, "--database", database], code: 73, "another server")
            let other = "sqlite:" + directory.file("other.sqlite")
            try await refusal(
                // With a Redis of its own, as another ledger needs.
                ["--database", other, "--port", "\(client.port)", "--log-level", "error"], code: 69, "--port")
            #expect(await first.terminate(grace: .seconds(30)) == .exited(0))
        }
        directory.remove()
    }

    @Test("A purchase that was answered with 200 is in the database after kill -9")
    func kill9() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-kill")
        let path = directory.file("l.sqlite")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let (child, anonymous) = try await serve(
                ["--redis", redis.url, "--database", "sqlite:" + path, "--dev", "--bcrypt-cost", "4"])
            let client = try await anonymous.signedIn()
            let product = try await client.product(units: 100)
            // The server dies between the answers to these buyers: each that got one must find its row.
            let answered = await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        guard let answer = try? await client.buy(product), answer.status == 200 else {
                            return nil
                        }
                        child.signal(SIGKILL)
                        return answer.body["id"] as? Int
                    }
                }
                return await group.reduce(into: Set<Int64>()) { if let id = $1 { $0.insert(Int64(id)) } }
            }
            #expect(await child.waitUntilExit() == .signalled(SIGKILL))
            #expect(!answered.isEmpty)
            let ledger = try await SQLiteLedger.open(path: path)
            let rows = try await ledger.purchases(of: UserID(1), Page())
            #expect(answered.isSubset(of: Set(rows.items.map(\.id.rawValue))))
            await ledger.close()
        }
        directory.remove()
    }

    @Test(
        "Without --redis the server brings its own, keeps its stock over a restart, and takes it along on SIGTERM"
    )
    func embeddedRedis() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-own")
        let arguments = ["--database", "sqlite:" + directory.file("l.sqlite"), "--dev", "--bcrypt-cost", "4"]
        let (first, anonymous) = try await serve(arguments)
        let client = try await anonymous.signedIn()
        let product = try await client.product(units: 5)
        #expect(try await client.buy(product).status == 200)
        #expect(await first.terminate(grace: .seconds(30)) == .exited(0))
        let (second, next) = try await serve(arguments)
        var again = next
        again.token = client.token
        #expect(try await again.stock(product) == 4)
        #expect(try await again.buy(product).status == 200)
        // Nothing to read again, and no reason to end: nobody closed a terminal.
        second.signal(SIGHUP)
        let isIgnored = await second.line(of: .standardError, within: .seconds(60)) {
            $0.contains("nothing_to_reload")
        }
        #expect(isIgnored != nil)
        #expect(try await again.stock(product) == 3)
        #expect(await second.terminate(grace: .seconds(30)) == .exited(0))
        directory.remove()
    }
}
