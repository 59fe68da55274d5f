import Foundation
public import LabProcesses
public import RedisClient

/// A master, its replicas, and three Sentinels that agree quickly.
public final class SentinelGroup: Sendable {
    public static let name = "shop"

    public let master: RedisServerProcess
    public let replicas: [RedisServerProcess]
    public let sentinels: [ChildProcess]
    private let ports: [Int]
    private let directory: TemporaryDirectory
    private let encryption: RedisServerOptions.Encryption?

    /// `redis+sentinel://…/shop`.
    public var url: String { url(master: Self.name) }

    public func url(master name: String) -> String {
        let hosts = ports.map { RedisHost("127.0.0.1", $0) }
        return RedisEndpoint(
            .sentinel(RedisSentinels(hosts: hosts, master: name)), tls: encryption?.client
        ).description
    }

    /// Runs `body` with servers that are stopped afterwards, whatever happened.
    ///
    /// - Parameter encryption: TLS for the clients, among the servers and with the Sentinels.
    public static func run(
        replicas count: Int = 1, encryption: RedisServerOptions.Encryption? = nil,
        _ body: (SentinelGroup) async throws -> Void
    ) async throws {
        let group = try await SentinelGroup(replicas: count, encryption)
        let result: Result<Void, any Error>
        do {
            try await group.waitUntilAgreed()
            try await body(group)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for sentinel in group.sentinels { await sentinel.killNow() }
        for server in group.replicas + [group.master] { await server.kill() }
        try result.get()
    }

    private init(replicas count: Int, _ encryption: RedisServerOptions.Encryption?) async throws {
        self.encryption = encryption
        directory = try TemporaryDirectory(prefix: "lab-sentinel")
        master = try await RedisServerProcess.start(Self.options([], encryption))
        let port = master.port
        var replicas: [RedisServerProcess] = []
        for _ in 0..<count {
            replicas.append(
                try await RedisServerProcess.start(
                    Self.options(["--replicaof", "127.0.0.1", "\(port)"], encryption)))
        }
        self.replicas = replicas
        var sentinels: [ChildProcess] = []
        var ports: [Int] = []
        for number in 0..<3 {
            ports.append(try FreePort.pick())
            sentinels.append(try await Self.startSentinel(number, ports[number], port, directory, encryption))
        }
        self.sentinels = sentinels
        self.ports = ports
    }

    private static func options(
        _ arguments: [String], _ encryption: RedisServerOptions.Encryption?
    ) -> RedisServerOptions {
        let inside = encryption == nil ? [] : ["--tls-replication", "yes"]
        return RedisServerOptions(
            encryption: encryption, arguments: arguments + inside + ["--repl-diskless-sync-delay", "0"])
    }

    private static func startSentinel(
        _ number: Int, _ port: Int, _ master: Int, _ directory: TemporaryDirectory,
        _ encryption: RedisServerOptions.Encryption?
    ) async throws -> ChildProcess {
        let file = directory.file("sentinel-\(number).conf")
        var lines = ["port \(port)"]
        if let encryption {
            lines = [
                "port 0", "tls-port \(port)", "tls-cert-file \(encryption.certificate)",
                "tls-key-file \(encryption.key)", "tls-ca-cert-file \(encryption.authority)",
                "tls-auth-clients \(encryption.demandsClientCertificate ? "yes" : "no")",
                "tls-replication yes",
            ]
        }
        lines += [
            "bind 127.0.0.1", "dir \(directory.path)",
            "sentinel monitor \(name) 127.0.0.1 \(master) 2",
            "sentinel down-after-milliseconds \(name) 1500", "sentinel failover-timeout \(name) 6000",
        ]
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: file))
        let program = ProcessInfo.processInfo.environment["REDIS_BIN"] ?? "redis-server"
        return try await ChildProcess.start(program, [file, "--sentinel"])
    }

    /// A connection of its own to a Sentinel, for one command.
    public func ask(_ number: Int, _ words: String...) async throws -> RESPValue {
        try await OneCommand.send(
            RedisCommand(words[0], Array(words.dropFirst())),
            to: RedisEndpoint(.tcp(host: "127.0.0.1", port: ports[number]), tls: encryption?.client))
    }

    /// All Sentinels know each other and every replica.
    private func waitUntilAgreed() async throws {
        for number in ports.indices {
            try await waitUntil {
                guard let reply = try? await ask(number, "SENTINEL", "MASTER", Self.name) else {
                    return false
                }
                let words = reply.array?.map(\.string) ?? []
                func value(_ name: String) -> String? {
                    words.firstIndex(of: name).flatMap { words[$0 + 1] }
                }
                return value("num-other-sentinels") == "2" && value("num-slaves") == "\(replicas.count)"
                    && value("flags") == "master"
            }
        }
        // A replica that never synchronised is not promoted.
        for replica in replicas {
            try await waitUntil {
                let info = try await OneCommand.send(
                    RedisCommand("INFO", "replication"), to: replica.endpoint)
                return info.string?.contains("master_link_status:up") == true
            }
        }
    }
}
