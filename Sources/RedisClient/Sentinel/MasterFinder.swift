import NIOCore
import Synchronization

/// Finds the master that Sentinels know by a name, and connects to it.
///
/// Each connection is found anew: the Sentinels are asked in turn, the one that was right last time first,
/// and a server counts only when it says itself that it is a master.
final class MasterFinder: Sendable {
    private let sentinels: RedisSentinels
    private let servers: Dialer
    private let guides: Dialer
    private let limits: RedisClient.Limits
    private let order: Mutex<[RedisHost]>
    private let watch: SwitchWatch

    /// A Sentinel that takes longer to connect, or to answer, counts as one that is away.
    private static let patience = Duration.milliseconds(500)

    /// - Parameter endpoint: As whom to speak to the servers.
    init(
        _ sentinels: RedisSentinels, endpoint: RedisEndpoint, limits: RedisClient.Limits, runs: ServerRuns?,
        group: any EventLoopGroup
    ) {
        self.sentinels = sentinels
        self.limits = limits
        servers = Dialer(endpoint, limits: limits, runs: runs, group: group)
        var brief = limits
        brief.connect = min(limits.connect, Self.patience)
        brief.command = brief.connect
        let guides = Dialer(
            RedisEndpoint(endpoint.address, password: sentinels.password, tls: endpoint.tls), limits: brief,
            runs: nil,
            group: group)
        self.guides = guides
        let hosts = sentinels.hosts
        let toAny = Connector(limits: limits) { push throws(RedisError) in
            var last = RedisError(.unavailable, "there are no Sentinels")
            for host in hosts {
                do throws(RedisError) {
                    return try await guides.connect(to: host.address, push: push)
                } catch {
                    last = error
                }
            }
            throw last
        }
        watch = SwitchWatch(
            master: sentinels.master, connector: toAny, limits: limits, group: group)
        order = Mutex(sentinels.hosts)
    }

    /// A connection to the master. Asks at most every Sentinel once.
    ///
    /// - Throws: `.unavailable` with what each Sentinel led to.
    func connect(_ push: Connector.Push?) async throws(RedisError) -> RedisConnection {
        var problems: [String] = []
        for sentinel in order.withLock({ $0 }) {
            do throws(RedisError) {
                let master = try await master(by: sentinel)
                guard !watch.isRetired(master) else {
                    throw RedisError(.unavailable, "\(sentinel) still names \(master), which was replaced")
                }
                let connection = try await servers.connect(to: master.address, push: push)
                try await check(connection, master)
                order.withLock { order in
                    order.removeAll { $0 == sentinel }
                    order.insert(sentinel, at: 0)
                }
                watch.start()
                return connection
            } catch {
                problems.append(error.context)
            }
        }
        throw RedisError(
            .unavailable,
            "no master \"\(sentinels.master)\" through the Sentinels: " + Self.list(problems))
    }

    /// - Parameter body: Called on an event loop when there is, or may be, another master.
    func onSwitch(_ body: @escaping @Sendable () -> Void) {
        watch.onSwitch(body)
    }

    func close() async {
        await watch.close()
    }

    /// SENTINEL GET-MASTER-ADDR-BY-NAME. Connecting and one round trip.
    private func master(by sentinel: RedisHost) async throws(RedisError) -> RedisHost {
        let connection = try await guides.connect(to: sentinel.address)
        let ask = RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.master)
        let result: Result<[RESPValue], RedisError>
        do throws(RedisError) {
            result = .success(
                try await connection.exchange([ask], before: .now() + TimeAmount(Self.patience)))
        } catch {
            result = .failure(error)
        }
        connection.closeSoon()
        switch try result.get()[0] {
        case .array(let parts):
            guard parts.count == 2, let host = parts[0].string, let port = parts[1].integer else { break }
            return RedisHost(host, Int(port))
        case .null:
            throw RedisError(
                .unavailable,
                "the Sentinel \(sentinel) knows no master of that name; check the name in the URL")
        case .error(let error):
            throw RedisError(.unavailable, "\(sentinel) is no Sentinel, or refuses: \(error.message)")
        default:
            break
        }
        throw RedisError(.unavailable, "\(sentinel) gave no address")
    }

    private func check(_ connection: RedisConnection, _ master: RedisHost) async throws(RedisError) {
        let result: Result<[RESPValue], RedisError>
        do throws(RedisError) {
            result = .success(
                try await connection.exchange(
                    [RedisCommand("ROLE")], before: .now() + TimeAmount(limits.connect)))
        } catch {
            result = .failure(error)
        }
        if case .success(let replies) = result, replies[0].array?.first?.string == "master" { return }
        connection.closeSoon()
        throw RedisError(.unavailable, "\(master) is not a master now")
    }

    /// Without repetitions: three Sentinels often say the same.
    private static func list(_ problems: [String]) -> String {
        var seen: [String] = []
        for problem in problems where !seen.contains(problem) { seen.append(problem) }
        return seen.joined(separator: "; ")
    }
}
