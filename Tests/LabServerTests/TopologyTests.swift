import Foundation
import LabProcesses
import LabTesting
import Testing

/// The topologies of compose.yaml: proven by `deploy/topologies.sh`, and held against what it starts.
/// ``ManyTopologyTests`` has those of several servers.
@Suite struct TopologyTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    private func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test(
        "The server sells on each topology, the master is killed, it sells again, and every unit is accounted for",
        .timeLimit(.minutes(10)), arguments: ["single", "sentinel", "cluster"])
    func sells(topology: String) async throws {
        let script = root.appending(path: "deploy/topologies.sh").standardizedFileURL.path
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        let child = try await ChildProcess.start(
            "/bin/bash", [script, try BuiltProgram.path("lab-server"), topology], environment: environment)
        let status = await child.waitUntilExit(within: .seconds(500))
        #expect(status == .exited(0), "\(child.lines())")
        let end = child.lines(of: .standardOutput).last ?? ""
        #expect(end.hasPrefix("\(topology): master killed, sold again after "), "\(child.lines())")
        #expect(end.hasSuffix("; 20 sold, 80 left of 100"))
    }

    @Test("compose.yaml gives Redis no option of its own, and starts by the files that the proof starts by")
    func compose() throws {
        let compose = try text("compose.yaml").split(separator: "\n").map(String.init)
            .filter { !$0.drop { $0 == " " }.hasPrefix("#") }
        // Prometheus beside them is no Redis.
        let commands = compose.filter { $0.contains("command:") && !$0.contains("prometheus") }.map {
            $0.drop { $0 == " " }
        }
        #expect(
            Set(commands) == [
                "command: [sh, /lab/node.sh, single]", "command: [sh, /lab/node.sh, replicated]",
                "command: [sh, /lab/sentinel.sh]", "command: [sh, /lab/node.sh, cluster]", "command:",
                // PostgreSQL's.
                "command: [sh, /lab/node.sh]",
            ])
        // The one that is written over several lines.
        let join = compose.drop { $0 != "    command:" }.dropFirst().prefix { $0.hasPrefix("      - ") }
            .map { String($0.dropFirst(8)) }
        let nodes = (1...6).map { "cluster-\($0)" }
        #expect(join == ["sh", "/lab/join.sh"] + nodes.map { $0 + ":6379" })
        #expect(!compose.contains { $0.contains(" --") }, "an option of Redis belongs into deploy/redis")

        let names = compose.compactMap { $0.wholeMatch(of: /\s+NODE_HOST: (.+)/)?.1 }.map(String.init)
            .filter { !$0.hasPrefix("postgres-") }
        let groups = ["redis", "sentinel"].flatMap { name in (1...3).map { "\(name)-\($0)" } }
        #expect(names.sorted() == (groups + nodes).sorted())
        // A node is reached by the name of its service, and keeps its files to itself.
        for name in names + ["redis"] {
            #expect(compose.contains("  \(name):") || compose.contains { $0.hasPrefix("  \(name): &") })
            let volumes = #"volumes: ["./deploy/redis:/lab:ro", "\#(name):/data"]"#
            #expect(compose.contains("    " + volumes), "\(name)")
        }
        let masters = Set(compose.compactMap { $0.wholeMatch(of: /\s+MASTER: (.+)/)?.1 })
        #expect(masters == ["redis-1 6379"])
        let profiles = Set(compose.compactMap { $0.wholeMatch(of: /\s+profiles: \[(.+)\]/)?.1 })
        #expect(
            profiles == [
                "single", "sentinel", "cluster", "monitoring", "many, many-cluster", "sentinel, many",
                "cluster, many-cluster",
            ])
    }

    @Test(
        "The files that start Redis keep what was acknowledged and evict nothing; its options stand nowhere else"
    )
    func options() throws {
        let node = try text("deploy/redis/node.sh")
        for option in ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"] {
            #expect(node.contains(option), "\(option)")
        }
        for option in ["--min-replicas-to-write 1", "--replica-announce-ip", "--cluster-announce-hostname"] {
            #expect(node.contains(option), "\(option)")
        }
        let sentinel = try text("deploy/redis/sentinel.sh")
        for line in ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes", "announce-ip"] {
            #expect(sentinel.contains(line), "\(line)")
        }
        let proof = try text("deploy/topologies.sh")
        #expect(!proof.contains("redis-server") && !proof.contains("--appendonly"))
        for file in ["node.sh", "sentinel.sh", "join.sh"] { #expect(proof.contains("redis/\(file)")) }
    }
}
