import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// `lab-server health`, as a container runs it.
@Suite struct HealthCommandTests {
    private func health(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: LabProcesses.ExitStatus?, errors: String) {
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), ["health"] + arguments, environment: environment)
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines(of: .standardError).joined(separator: "\n"))
    }

    @Test(
        "A server that answers 200 is 0; one that does not, or is not there, or stands still, is 1 with a line"
    )
    func answers() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-health")
        try await RunningServer.run(database: directory.file("l.sqlite"), units: 1) { server async throws in
            let port = "\(server.buyer.port)"
            let live = try await health([], environment: ["LAB_PORT": port, "LAB_HOST": "0.0.0.0"])
            #expect(live.status == .exited(0), "\(live.errors)")
            let ready = ["--port", port, "--path", "/health/ready"]
            #expect(try await health(ready).status == .exited(0))
            await server.redis.kill()
            let unready = try await health(ready + ["--timeout-ms", "60000"])
            #expect(unready.status == .exited(1) && unready.errors.hasSuffix("the answer was 503"))
            #expect(try await health(["--port", port]).status == .exited(0))
            server.process.signal(SIGSTOP)
            let still = try await health(["--port", port, "--timeout-ms", "300"])
            #expect(still.status == .exited(1))
            #expect(
                still.errors.hasSuffix("/health/live: no answer within the time limit"), "\(still.errors)")
            server.process.signal(SIGCONT)
        }
        let dead = try DeadPort()
        let away = try await health(["--port", "\(dead.number)"])
        #expect(away.status == .exited(1))
        #expect(
            away.errors == "lab-server: cannot connect to 127.0.0.1:\(dead.number): connection refused")
        directory.remove()
    }

    @Test("A server with a certificate is asked by TLS, whoever signed it")
    func encrypted() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-health")
        let files = try await TestCertificates()
        let pair = [
            "--tls-certificate", files.file("server.pem"), "--tls-private-key", files.file("server.key"),
        ]
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let server = try await ChildProcess.start(
                try BuiltProgram.path("lab-server"),
                [
                    "--dev", "--redis", redis.url, "--port", "0", "--database",
                    "sqlite:" + directory.file("l.sqlite"),
                ] + pair)
            let line = try #require(
                await server.line(within: .seconds(60)) { $0.contains("listening on https://") },
                "\(server.lines())")
            let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/)?.1)
            let asked = try await health(["--port", String(port)] + pair)
            #expect(asked.status == .exited(0), "\(asked.errors)")
            // In the clear nobody answers there.
            #expect(try await health(["--port", String(port)]).status == .exited(1))
            #expect(await server.terminate(grace: .seconds(30)) == .exited(0))
        }
        directory.remove()
    }

    @Test(
        "What cannot be asked ends with 64",
        arguments: [["--port", "0"], ["--path", "x"], ["--timeout-ms", "0"]])
    func usage(arguments: [String]) async throws {
        #expect(try await health(arguments).status == .exited(64))
    }
}
