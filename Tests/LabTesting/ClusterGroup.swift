public import LabProcesses
public import RedisClient

/// A cluster of three masters and three replicas.
public final class ClusterGroup: Sendable {
    /// Masters first; node n + 3 is the replica of node n.
    public let nodes: [RedisServerProcess]
    private let busPorts: [Int]
    private let client: RedisTLS?

    public var url: String {
        get throws {
            let hosts = nodes.map { RedisHost("127.0.0.1", $0.port) }
            return RedisEndpoint(.cluster(nodes: hosts), tls: client).description
        }
    }

    /// Runs `body` with nodes that are stopped afterwards, whatever happened.
    ///
    /// - Parameter encryption: TLS for the clients and among the nodes.
    public static func run(
        encryption: RedisServerOptions.Encryption? = nil, _ body: (ClusterGroup) async throws -> Void
    ) async throws {
        let group = try await ClusterGroup(encryption)
        let result: Result<Void, any Error>
        do {
            try await group.join()
            try await body(group)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for node in group.nodes { await node.kill() }
        try result.get()
    }

    private init(_ encryption: RedisServerOptions.Encryption?) async throws {
        let inside = encryption == nil ? [] : ["--tls-cluster", "yes", "--tls-replication", "yes"]
        var nodes: [RedisServerProcess] = []
        var busPorts: [Int] = []
        for _ in 0..<6 {
            // Not the default, 10000 above the port, which may be above all ports.
            let bus = try FreePort.pick()
            let options = RedisServerOptions(
                encryption: encryption,
                arguments: [
                    "--cluster-enabled", "yes", "--cluster-port", "\(bus)", "--cluster-node-timeout", "2500",
                    "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
                ] + inside)
            nodes.append(try await RedisServerProcess.start(options))
            busPorts.append(bus)
        }
        self.nodes = nodes
        self.busPorts = busPorts
        client = encryption?.client
    }

    @discardableResult
    public func send(_ node: Int, _ words: String...) async throws -> RESPValue {
        try await OneCommand.send(
            RedisCommand(words[0], Array(words.dropFirst())), to: nodes[node].endpoint)
    }

    public func id(of node: Int) async throws -> String {
        try await send(node, "CLUSTER", "MYID").string ?? ""
    }

    private func join() async throws {
        for (number, first) in [0, 5461, 10_923].enumerated() {
            let last = [5460, 10_922, 16_383][number]
            try await send(number, "CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
        }
        for number in nodes.indices {
            try await send(number, "CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            guard number > 0 else { continue }
            try await send(
                0, "CLUSTER", "MEET", "127.0.0.1", "\(nodes[number].port)", "\(busPorts[number])")
        }
        for number in nodes.indices {
            try await wait(number, "CLUSTER", "INFO") { $0.contains("cluster_known_nodes:6\r\n") }
        }
        for number in 3..<6 {
            let master = try await id(of: number - 3)
            try await waitUntil {
                (try? await send(number, "CLUSTER", "REPLICATE", master)) != nil
            }
        }
        for number in nodes.indices {
            try await wait(number, "CLUSTER", "INFO") { $0.contains("cluster_state:ok\r\n") }
            if number >= 3 {
                try await wait(number, "INFO", "replication") { $0.contains("master_link_status:up\r\n") }
            }
            try await waitUntil {
                let ranges = try await send(number, "CLUSTER", "SLOTS").array ?? []
                return ranges.count == 3 && ranges.allSatisfy { $0.array?.count == 4 }
            }
        }
    }

    private func wait(_ node: Int, _ words: String..., until isReached: (String) -> Bool) async throws {
        try await waitUntil {
            let reply = try await OneCommand.send(
                RedisCommand(words[0], Array(words.dropFirst())), to: nodes[node].endpoint)
            return isReached(reply.string ?? "")
        }
    }
}
