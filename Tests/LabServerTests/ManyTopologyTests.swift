import ArgumentParser
import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

/// Three servers behind HAProxy, on PostgreSQL with a replica: the profiles `many` and `many-cluster`.
@Suite struct ManyTopologyTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    /// Debian has HAProxy where only administrators look for programs.
    private static let haproxy = Executable.find("haproxy") ?? Executable.find("/usr/sbin/haproxy")
    private static let absence = "no HAProxy is installed here (apt-get install haproxy)"

    private func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test(
        "Three servers sell beside a killed server, a rolling restart, a killed Redis master and a lost PostgreSQL",
        .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"),
        .enabled(if: haproxy != nil, "\(absence)"), .timeLimit(.minutes(10)),
        arguments: ["many", "many-cluster"])
    func sells(topology: String) async throws {
        let script = root.appending(path: "deploy/topologies.sh").standardizedFileURL.path
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        let child = try await ChildProcess.start(
            "/bin/bash", [script, try BuiltProgram.path("lab-server"), topology], environment: environment)
        let status = await child.waitUntilExit(within: .seconds(560))
        #expect(status == .exited(0), "\(child.lines())")
        let end = child.lines(of: .standardOutput).last ?? ""
        let told = try #require(
            end.wholeMatch(of: /many.*: a server killed: \d requests open; three replaced: 0 of (\d+) .*/))
        #expect(try #require(Int(told.1)) > 100, "\(end)")
        let count = try #require(end.firstMatch(of: /; (\d+) sold, (\d+) left of 1000000$/), "\(end)")
        #expect(try #require(Int(count.1)) + #require(Int(count.2)) == 1_000_000)
        print(end)
    }

    @Test(
        "A PostgreSQL that was replaced acknowledges nothing more and follows, also when it is back first",
        .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"), .timeLimit(.minutes(5)))
    func promoted() async throws {
        let script = root.appending(path: "Tests/LabServerTests/nodes/promoted.sh").standardizedFileURL.path
        let ports = [try FreePort.pick(), try FreePort.pick()].map { "\($0)" }
        let child = try await ChildProcess.start("/bin/bash", [script] + ports)
        let status = await child.waitUntilExit(within: .seconds(240))
        #expect(status == .exited(0), "\(child.lines())")
        #expect(
            child.lines(of: .standardOutput) == [
                "refused beside a node that takes writes: 1", "promoted: {1,2}",
                "the one that was lost acknowledges nothing: 124",
                "the promoted one keeps what it has: {1,2,3}", "the one that was lost follows: t {1,2,3,4}",
                "it said so", "no password: 64",
            ])
    }

    private func plan() throws -> ServePlan {
        let environment = ["LAB_JWT_SECRET": "c8f1a0e4b7d29356f0a1c3e5d7b9082461"]
        return try ServePlan(try ServeOptions.parse([]).values(environment: environment) { _ in nil })
    }

    /// A time limit of the configuration of HAProxy, or what `default-server` says.
    private func seconds(_ name: String) throws -> Duration {
        let line = try text("deploy/haproxy/haproxy.cfg").split(separator: "\n").first {
            $0.contains("\(name) ") && !$0.contains("#")
        }
        let words = try #require(line, "\(name)").split(separator: " ").map(String.init)
        let last = try #require(name.split(separator: " ").last.flatMap { words.firstIndex(of: String($0)) })
        return .seconds(try #require(Int64(words[last + 1].prefix { $0.isNumber })))
    }

    @Test("HAProxy waits longer than a server, keeps no connection longer, and sees its end before it comes")
    func limits() throws {
        let plan = try plan()
        let limits = plan.front.connection
        #expect(try seconds("timeout server") >= limits.total + .seconds(10))
        #expect(try seconds("timeout client") >= limits.total + .seconds(10))
        #expect(try seconds("timeout http-request") >= limits.head + limits.body)
        #expect(try seconds("timeout http-keep-alive") < limits.idle)
        #expect(try seconds("hard-stop-after") > seconds("timeout server"))
        // Two checks say not ready, and a third one may have been under way.
        #expect(try text("deploy/haproxy/haproxy.cfg").contains("    default-server inter 1s fall 2 rise 1 "))
        #expect(plan.drainDelay >= .seconds(3 * 1) + .seconds(1))
        let compose = try text("compose.yaml")
        let grace = try #require(compose.firstMatch(of: /SIGUSR1\n  stop_grace_period: (\d+)s/)?.1)
        #expect(.seconds(try #require(Int64(grace))) > (try seconds("hard-stop-after")))
    }

    @Test("HAProxy sends nothing twice but what only reads, and a purchase with a key")
    func retries() throws {
        let config = try text("deploy/haproxy/haproxy.cfg")
        #expect(config.contains("\n    option http-buffer-request\n    retries 3\n    option redispatch 1\n"))
        #expect(config.contains("\n    retry-on conn-failure empty-response\n"))
        let only = "    http-request disable-l7-retry unless { method GET HEAD }"
        let orKeyed = " or { path /api/purchases } { req.hdr(Idempotency-Key) -m found }"
        let backends = config.split(separator: "\nbackend ").dropFirst().map(String.init)
        #expect(backends.count == 3)
        for backend in backends {
            let rule = only + (backend.hasPrefix("accounts") ? "" : orKeyed)
            #expect(backend.contains(rule + "\n"), "\(backend.prefix(10))")
            for number in 1...3 {
                #expect(backend.contains("server server-\(number) \"$SERVER_\(number)\" "))
            }
        }
    }

    @Test("HAProxy accepts its configuration", .enabled(if: haproxy != nil, "\(absence)"))
    func syntax() async throws {
        func check(_ file: String) async throws -> (status: LabProcesses.ExitStatus?, lines: [String]) {
            var environment = ProcessInfo.processInfo.environment
            for number in 1...3 { environment["SERVER_\(number)"] = "127.0.0.1:\(number)" }
            (environment["FRONT"], environment["WATCH"]) = ("127.0.0.1:1", "127.0.0.1:2")
            let child = try await ChildProcess.start(
                try #require(Self.haproxy), ["-c", "-f", file], environment: environment)
            return (await child.waitUntilExit(within: .seconds(60)), child.lines())
        }
        let good = try await check(root.appending(path: "deploy/haproxy/haproxy.cfg").path)
        #expect(good.status == .exited(0), "\(good.lines)")
        #expect(!good.lines.contains { $0.contains("[WARNING]") || $0.contains("[ALERT]") }, "\(good.lines)")
        let directory = try TemporaryDirectory(prefix: "lab-haproxy")
        try text("deploy/haproxy/haproxy.cfg").replacing("conn-failure", with: "conn-trouble").write(
            toFile: directory.file("bad.cfg"), atomically: true, encoding: .utf8)
        #expect(try await check(directory.file("bad.cfg")).status == .exited(1))
        directory.remove()
    }

    @Test("compose.yaml gives servers, HAProxy and PostgreSQL the variables with which the proof starts them")
    func variables() throws {
        let compose = try text("compose.yaml")
        let proof = try text("deploy/topologies/many.sh")
        let shared = try #require(compose.firstMatch(of: #/(?s)\nx-server: .*?\nx-proxy:/#)?.0)
        for name in shared.matches(of: /(LAB_[A-Z_]+):/).map(\.1) {
            #expect(proof.contains("\(name)="), "\(name)")
        }
        let config = try text("deploy/haproxy/haproxy.cfg")
        for name in ["FRONT", "WATCH", "SERVER_1", "SERVER_2", "SERVER_3"] {
            #expect(
                compose.contains("      \(name): ") && proof.contains("\(name)=")
                    && config.contains("\"$\(name)\""))
        }
        let node = try text("deploy/postgres/node.sh")
        for name in ["PASSWORD_FILE", "NODE_HOST", "NODE_BEGINS", "PEER"] {
            #expect(
                compose.contains("      \(name): ") && proof.contains("\(name)=")
                    && node.contains("# \(name)"))
        }
        for file in ["node.sh", "commits.sh", "promote.sh"] { #expect(proof.contains(file)) }
        // Nobody but HAProxy says whose address a client has.
        let proxy = try #require(compose.firstMatch(of: /LAB_TRUSTED_PROXIES: ([0-9.]+)\n/)?.1)
        #expect(compose.contains("networks: {front: {ipv4_address: \(proxy)}, watch: {}}\n"))
        #expect(compose.contains("    volumes: [\"./deploy/haproxy:/usr/local/etc/haproxy:ro\"]\n"))
        for number in 1...2 {
            let mounts = "[\"./deploy/postgres:/lab:ro\", \"postgres-\(number):/var/lib/postgresql/data\"]"
            #expect(compose.contains("    volumes: \(mounts)\n"))
        }
    }
}
