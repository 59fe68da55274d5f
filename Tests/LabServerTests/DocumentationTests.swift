import Foundation
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import LabServerKit

/// The commands of the documents, run as they stand there; only ports and folders are those of the test.
@Suite struct DocumentationTests {
    /// The blocks of commands in a document, one after the other.
    private func blocks(_ document: String) throws -> [String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/\(document)")
        let text = try String(contentsOf: file, encoding: .utf8)
        return text.matches(of: /(?s)```sh\n(.*?)```/).map { String($0.1) }
    }

    /// Starts what serves in the background, waits until it does, and ends it behind the block.
    private func script(_ block: String) throws -> String {
        var commands: [String] = []
        var isServing = false
        for line in block.replacing("\\\n", with: " ").split(separator: "\n") {
            guard line.hasPrefix("lab-server serve") else {
                commands.append(String(line))
                continue
            }
            isServing = true
            commands += [
                "rm -f serve.log",
                "\(line) >serve.log 2>&1 &", "server=$!",
                "until grep -q 'listening on' serve.log; do",
                "kill -0 $server || { cat serve.log; exit 1; }", "sleep 0.1", "done",
            ]
        }
        let end = isServing ? ["kill -TERM $server", "wait $server"] : []
        return (["set -euo pipefail"] + commands + end).joined(separator: "\n")
    }

    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let output: [String]
    }

    private func run(_ block: String, in directory: String) async throws -> Ended {
        let program = try BuiltProgram.path("lab-server")
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        let folder = URL(filePath: program).deletingLastPathComponent().path
        environment["PATH"] = "\(folder):\(environment["PATH"] ?? "")"
        environment["LAB_PORT"] = "0"
        // The documents' servers wait five seconds before they stop listening.
        environment["LAB_DRAIN_DELAY_MS"] = "0"
        let child = try await ChildProcess.start(
            "/bin/bash", ["-c", "cd '\(directory)'\n\(script(block))"], environment: environment)
        let status = await child.waitUntilExit(within: .seconds(120))
        return Ended(status: status, output: child.lines())
    }

    @Test("The session of API.md runs as written, from registration to the end of the tokens")
    func session() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-docs")
        let all = try blocks("API.md")
        #expect(all.count == 2)
        let database = "sqlite:" + directory.file("l.sqlite")
        // As `./lab serve --dev` in another terminal.
        let server = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), ["serve", "--dev", "--port", "0", "--database", database])
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/)?.1)
        let answers = all[0].replacing("127.0.0.1:8080", with: "127.0.0.1:\(port)")
            .replacing("curl -s", with: "curl --fail-with-body -s")
        let ended = try await run(answers, in: directory.path)
        #expect(ended.status == .exited(0), "\(ended.output)")
        let text = ended.output.joined(separator: "\n")
        for part in [
            #""username":"ann""#, #""name":"Cola""#, #""quantity":100"#, "HTTP/1.1 200", "Server-Timing:",
            #""total_price":3000"#,
        ] { #expect(text.contains(part), "\(part) is not in \(text)") }
        #expect(await server.terminate(grace: .seconds(30)) == .exited(0))

        try "one good pass phrase\n".write(
            toFile: directory.file("password.txt"), atomically: true, encoding: .utf8)
        let admin = all[1].replacing("sqlite:data/lab.sqlite", with: database)
        let made = try await run(admin, in: directory.path)
        #expect(made.status == .exited(0) && made.output.joined().contains("administrator root was made"))
        directory.remove()
    }

    @Test("The calls of README.md run as written beside a server that is started as ./lab serve does it")
    func readme() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-docs")
        let calls = try blocks("../README.md").filter { $0.contains("curl ") }
        try #require(calls.count == 1)
        #expect(!calls[0].contains("./lab"), "what is built first answers no call behind it")
        let secret = directory.file("jwt-secret")
        try String(repeating: "0123456789abcdef", count: 4).write(
            toFile: secret, atomically: true, encoding: .utf8)
        let server = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "serve", "--port", "0", "--jwt-secret-file", secret,
                "--database", "sqlite:" + directory.file("l.sqlite"),
            ])
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let port = try #require(line.firstMatch(of: /127\.0\.0\.1:(\d+)/)?.1)
        let placed = calls[0].replacing("127.0.0.1:8080", with: "127.0.0.1:\(port)")
            .replacing("curl -s", with: "curl --fail-with-body -s")
        let ended = try await run(placed, in: directory.path)
        #expect(ended.status == .exited(0), "\(ended.output)")
        let text = ended.output.joined(separator: "\n")
        for part in [
            #""username":"ann""#, #""name":"ticket""#, "HTTP/1.1 200", "Server-Timing:",
            #""total_price":30000"#,
        ] { #expect(text.contains(part), "\(part) is not in \(text)") }
        #expect(await server.terminate(grace: .seconds(30)) == .exited(0))
        directory.remove()
    }

    @Test("The commands of DEPLOYMENT.md run as written: start, HTTPS, backup, restore, drill")
    func deployment() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-docs")
        let all = try blocks("DEPLOYMENT.md")
        #expect(all.count == 5)
        try await withRedisServer { redis async throws in
            let client = RedisClient(redis.endpoint, limits: .patient)
            _ = try await client.send(
                RedisCommand("ACL", ["SETUSER", "user", "on", ">password", "~*", "&*", "+@all"]))
            await client.close()
            let address = try #require(redis.url.firstMatch(of: /127\.0\.0\.1:\d+/)?.0)
            let metrics = try FreePort.pick()
            let https = try FreePort.pick()
            let drill = try FreePort.pick()
            var outputs: [String] = []
            for block in all {
                let placed = block.replacing("127.0.0.1:6379", with: String(address))
                    .replacing("/var/lib/lab-server", with: directory.file("state"))
                    .replacing("/backups", with: directory.file("backups"))
                    .replacing("9090", with: "\(metrics)").replacing("8443", with: "\(https)")
                    .replacing("8081", with: "\(drill)")
                let ended = try await run(placed, in: directory.path)
                #expect(ended.status == .exited(0), "\(placed)\n\(ended.output)")
                outputs.append(ended.output.joined(separator: "\n"))
            }
            #expect(outputs[0].contains("administrator root was made"))
            #expect(outputs[1].contains(#"{"status":"live"}"#))
            #expect(outputs[2].contains("a sound copy of"))
            for part in ["kept: ", "RPO: ", "RTO: ", "0 products, ledger and Redis agree"] {
                #expect(outputs[3].contains(part), "\(outputs[3])")
            }
            #expect(outputs[4].contains(#""status":"ready""#), "\(outputs[4])")
        }
        directory.remove()
    }

    @Test("compose.yaml and the unit name only variables of the server, and files that are in the tree")
    func deploymentFiles() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let known = Set(Setting.allCases.flatMap { [$0.environmentName, $0.environmentName + "_FILE"] })
        for name in ["compose.yaml", "Dockerfile", "deploy/systemd/lab-server.service"] {
            let text = try String(contentsOf: root.appending(path: name), encoding: .utf8)
            let lines = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }
            let used = Set(lines.joined(separator: "\n").matches(of: /LAB_[A-Z_]+/).map { String($0.0) })
            #expect(!used.isEmpty)
            #expect(used.subtracting(known).isEmpty, "\(name): \(used.subtracting(known))")
        }
        let documented = try String(contentsOf: root.appending(path: "docs/DEPLOYMENT.md"), encoding: .utf8)
        for setting in Setting.allCases {
            #expect(documented.contains("`\(setting.environmentName)`"), "\(setting.environmentName)")
        }
    }
}
