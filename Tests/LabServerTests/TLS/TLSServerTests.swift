import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// The built program with a certificate, met by other programs.
@Suite struct TLSServerTests {
    /// What a program said and how it ended; its input is empty.
    private func run(_ program: String, _ arguments: [String]) async throws -> (
        LabProcesses.ExitStatus?, String
    ) {
        let child = try await ChildProcess.start(program, arguments)
        let status = await child.waitUntilExit(within: .seconds(60))
        return (status, child.lines().joined(separator: "\n"))
    }

    private func client(_ port: Int, _ flags: [String] = []) async throws -> String {
        try await run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)"] + flags).1
    }

    /// The serial number of the certificate that a new connection is shown.
    private func serial(_ port: Int) async throws -> String {
        let line = "openssl s_client -connect 127.0.0.1:\(port) | openssl x509 -noout -serial"
        let (_, text) = try await run("/bin/sh", ["-c", line])
        return text.firstMatch(of: /serial=([0-9A-F]+)/).map { String($0.1) } ?? ""
    }

    private func put(_ name: String, of files: TestCertificates) throws {
        for ending in ["pem", "key"] {
            let data = try Data(contentsOf: URL(filePath: files.file("\(name).\(ending)")))
            try data.write(to: URL(filePath: files.file("live.\(ending)")))
        }
    }

    private func withServer(
        _ files: TestCertificates, _ flags: [String] = [], _ body: (ChildProcess, Int) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-https")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let server = try await ChildProcess.start(
                try BuiltProgram.path("lab-server"),
                [
                    "--dev", "--redis", redis.url, "--port", "0", "--database",
                    "sqlite:" + directory.file("l.sqlite"), "--tls-certificate", files.file("live.pem"),
                    "--tls-private-key", files.file("live.key"), "--metrics-port", "0",
                ] + flags)
            let line = try #require(
                await server.line(within: .seconds(60)) { $0.contains("listening on https://") },
                "\(server.lines())")
            let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
            do {
                try await body(server, try #require(ports.first))
            } catch {
                await server.terminate(grace: .seconds(30))
                throw error
            }
            #expect(await server.terminate(grace: .seconds(30)) == .exited(0))
        }
        directory.remove()
    }

    @Test("HTTPS is TLS 1.2 and newer with HSTS; older clients and plain HTTP are closed without an answer")
    func protocols() async throws {
        let files = try await TestCertificates()
        try put("server", of: files)
        try await withServer(files) { _, port async throws in
            let (status, answer) = try await run(
                "curl", ["-sSi", "--cacert", files.file("ca.pem"), "https://127.0.0.1:\(port)/health/live"])
            #expect(status == .exited(0), "\(answer)")
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.contains("Strict-Transport-Security: max-age=31536000"))
            for version in ["1_2", "1_3"] {
                let text = try await client(port, ["-tls\(version)"])
                #expect(text.contains("New, TLSv\(version.replacing("_", with: "."))"), "\(text)")
            }
            // Debian's client would not even offer it without the lower security level.
            let old = try await client(port, ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"])
            #expect(old.contains("alert protocol version"), "\(old)")
            #expect(!old.contains("BEGIN CERTIFICATE"))
            let plain = try await RawClient.get(port, "/health/live")
            #expect(!plain.contains("HTTP/"), "\(plain)")
        }
    }

    @Test("Who connects and never begins to speak TLS is closed after the time for headers")
    func silentClient() async throws {
        let files = try await TestCertificates()
        try put("server", of: files)
        try await withServer(files, ["--head-timeout-ms", "500"]) { _, port async throws in
            #expect(try await RawClient.exchange(port, []) == "")
            // The first bytes of a handshake, and nothing behind them.
            #expect(try await RawClient.exchange(port, ["\u{16}\u{3}\u{1}\u{2}"]) == "")
        }
    }

    @Test(
        "SIGHUP shows new connections the new pair and leaves standing ones alone; a bad pair changes nothing"
    )
    func renewal() async throws {
        let files = try await TestCertificates()
        try put("server", of: files)
        try await withServer(files) { server, port async throws in
            let first = try await serial(port)
            #expect(!first.isEmpty)
            try await StandingTLSConnection.open(port, trusting: files.file("ca.pem")) { standing in
                #expect(try await standing.get("/health/live").hasPrefix("HTTP/1.1 200"))
                try put("named", of: files)
                server.signal(SIGHUP)
                let isRead = await server.line(of: .standardError, within: .seconds(60)) {
                    $0.contains("event=certificate_loaded")
                }
                #expect(isRead != nil)
                let second = try await serial(port)
                #expect(second != first && !second.isEmpty)
                #expect(try await standing.get("/health/live").hasPrefix("HTTP/1.1 200"))

                try Data("no key any more".utf8).write(to: URL(filePath: files.file("live.key")))
                server.signal(SIGHUP)
                let isRefused = await server.line(of: .standardError, within: .seconds(60)) {
                    $0.contains("event=certificate_refused")
                }
                #expect(isRefused?.contains("error") == true && isRefused?.contains("live.key") == true)
                #expect(try await serial(port) == second)
                #expect(try await standing.get("/health/live").hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test(
        "A certificate that cannot be used ends the start with one line and code 66, half a pair with 64; config says it too"
    )
    func refusedStart() async throws {
        let files = try await TestCertificates()
        let wrong = [
            "--dev", "--tls-certificate", files.file("server.pem"), "--tls-private-key",
            files.file("client.key"),
        ]
        for command in [["serve"], ["config"]] {
            let child = try await ChildProcess.start(try BuiltProgram.path("lab-server"), command + wrong)
            #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(66))
            let errors = child.lines(of: .standardError)
            #expect(errors.count == 1 && errors.first?.contains("client.key") == true, "\(errors)")
        }
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), ["--dev", "--tls-certificate", files.file("server.pem")])
        #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(64))
        #expect(child.lines(of: .standardError).first?.contains("--tls-private-key") == true)
    }
}
