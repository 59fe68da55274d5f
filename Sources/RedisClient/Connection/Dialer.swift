import ConnectionFailures
import NIOCore
import NIOPosix
import NIOSSL

/// Opens connections, to whatever address it is told, all as the same user and under the same limits.
struct Dialer: Sendable {
    private let endpoint: RedisEndpoint
    private let limits: RedisClient.Limits
    private let group: any EventLoopGroup
    private let encryption: Encryption
    private let runs: ServerRuns?

    private enum Encryption: Sendable {
        case none
        case tls(RedisTLS, NIOSSLContext)
        case unusable(String)
    }

    /// Reads the files of `endpoint.tls`.
    ///
    /// - Parameter runs: Where the server of each connection that carries keys is noted; nil asks no server
    ///   who it is.
    init(
        _ endpoint: RedisEndpoint, limits: RedisClient.Limits, runs: ServerRuns?, group: any EventLoopGroup
    ) {
        self.endpoint = endpoint
        self.runs = runs
        self.limits = limits
        self.group = group
        guard let tls = endpoint.tls else {
            encryption = .none
            return
        }
        do throws(RedisTLS.Problem) {
            encryption = .tls(tls, try tls.context())
        } catch {
            encryption = .unusable(error.sentence)
        }
    }

    /// Connects to one server and, where the endpoint asks for it, authenticates and selects the database.
    /// Over TLS the server is also asked for a sign of life: it judges our certificate after it took the
    /// connection.
    ///
    /// - Parameter push: Takes the messages of pub/sub, on the event loop.
    /// - Throws: `.unavailable`, with the server's own words where it had any.
    func connect(
        to address: RedisEndpoint.Address, push: Connector.Push? = nil
    ) async throws(RedisError) -> RedisConnection {
        let deadline = NIODeadline.now() + TimeAmount(limits.connect)
        let name = RedisEndpoint(address, tls: endpoint.tls).description
        let connection: RedisConnection
        do {
            connection = try await open(address, push)
        } catch {
            throw RedisError(
                .unavailable, "cannot connect to \(name): \(ConnectionFailure.sentence(for: error))")
        }
        do throws(RedisError) {
            try await introduce(to: connection, before: deadline)
            // A connection that only listens may lead to any node, also to a replica: it says nothing of
            // keys.
            if push == nil { try await meet(connection, at: address, before: deadline) }
        } catch {
            await connection.close()
            throw RedisError(
                .unavailable, "\(name) did not accept the connection: \(reason(error))", reply: error.reply)
        }
        connection.keepAlive(every: TimeAmount(limits.idlePing), within: TimeAmount(limits.command))
        return connection
    }

    private func open(
        _ address: RedisEndpoint.Address, _ push: Connector.Push?
    ) async throws -> RedisConnection {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(limits.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        switch address {
        case .tcp(let host, let port):
            return try await bootstrap.connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try install(on: channel, host: host, push) }
            }
        case .unixSocket(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture { try install(on: channel, host: nil, push) }
            }
        case .sentinel, .cluster:
            throw NotOneServer()
        }
    }

    private func install(
        on channel: any Channel, host: String?, _ push: Connector.Push?
    ) throws -> RedisConnection {
        var isEncrypted = false
        switch encryption {
        case .none: break
        case .unusable(let sentence): throw Unusable(description: sentence)
        case .tls(let tls, let context):
            isEncrypted = true
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: context, serverHostname: host.flatMap { tls.name(for: $0) }))
        }
        let handler = PipelineHandler(
            maximumReplyBytes: limits.replyBytes, silenceLimit: TimeAmount(limits.command),
            isEncrypted: isEncrypted, push: push)
        try channel.pipeline.syncOperations.addHandler(handler)
        return RedisConnection(
            channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
    }

    private func introduce(
        to connection: RedisConnection, before deadline: NIODeadline
    ) async throws(RedisError) {
        var commands: [RedisCommand] = []
        if let password = endpoint.password {
            commands.append(
                RedisCommand("AUTH", (endpoint.username.map { [$0] } ?? []) + [password.revealed]))
        }
        if endpoint.database != 0 {
            commands.append(RedisCommand("SELECT", String(endpoint.database)))
        }
        if endpoint.tls != nil { commands.append(RedisCommand("PING")) }
        guard !commands.isEmpty else { return }
        for reply in try await connection.exchange(commands, before: deadline) {
            if case .error(let error) = reply { throw .refused(error) }
        }
    }

    /// Notes which server this is. One that may not tell, as an ACL can have it, counts as new.
    private func meet(
        _ connection: RedisConnection, at address: RedisEndpoint.Address, before deadline: NIODeadline
    ) async throws(RedisError) {
        guard let runs else { return }
        let replies = try await connection.exchange(
            [RedisCommand("INFO", "server"), RedisCommand("INFO", "replication")], before: deadline)
        // One server at a time is the stock's, but for a cluster.
        let isCluster = if case .cluster = endpoint.address { true } else { false }
        runs.note(
            ServerRuns.name(server: replies[0], replication: replies[1]),
            at: isCluster ? RedisEndpoint(address, tls: endpoint.tls).description : "")
    }

    private func reason(_ error: RedisError) -> String {
        if let reply = error.reply {
            switch reply.prefix {
            case "WRONGPASS": return "the user name or the password is wrong"
            case "NOAUTH": return "it wants a password; write redis://user:password@host"
            default: return reply.message
            }
        }
        let isSilent = error.code == .outcomeUnknown && endpoint.tls != nil
        return error.context
            + (isSilent && error.context.contains("time limit")
                ? "; if it has no TLS, write redis:// instead of rediss://" : "")
    }

    private struct NotOneServer: Error {}

    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }
}
