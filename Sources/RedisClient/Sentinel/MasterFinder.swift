import NIOCore
import Synchronization

/// Finds the master that Sentinels know by a name, and connects to it.
///
/// Each connection is found anew: the Sentinels are asked in turn, the one that was right last time first,
/// and a server counts only when it says itself that it is a master. Whether it still is one, the Sentinels
/// tell by a message; since a message can be lost, and some changes send none, they are also asked, and the
/// word of the majority counts.
final class MasterFinder: Sendable {
    private struct State {
        var order: [RedisHost]
        /// To which the newest connection leads.
        var current: RedisHost?
        var rounds: Task<Void, Never>?
        var isClosed = false
        var onSwitch: @Sendable () -> Void = {}
    }

    private let sentinels: RedisSentinels
    private let servers: Dialer
    private let guides: Dialer
    private let limits: RedisClient.Limits
    private let state: Mutex<State>
    private let watch: SwitchWatch

    /// A Sentinel that takes longer to connect, or to answer, counts as one that is away.
    private static let patience = Duration.milliseconds(500)
    /// Between two looks at what the Sentinels say.
    private static let interval = Duration.seconds(3)

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
        let connectors = sentinels.hosts.map { host in
            Connector(limits: limits) { push throws(RedisError) in
                try await guides.connect(to: host.address, push: push)
            }
        }
        watch = SwitchWatch(
            master: sentinels.master, connectors: connectors, limits: limits, group: group)
        state = Mutex(State(order: sentinels.hosts))
        watch.onNews { [weak self] in self?.take($0) }
    }

    /// A connection to the master. Asks at most every Sentinel once.
    ///
    /// - Throws: `.unavailable` with what each Sentinel led to.
    func connect(_ push: Connector.Push?) async throws(RedisError) -> RedisConnection {
        var problems: [String] = []
        for sentinel in state.withLock(\.order) {
            do throws(RedisError) {
                let news = watch.count
                let master = try await master(by: sentinel)
                guard !watch.isRetired(master) else {
                    throw RedisError(.unavailable, "\(sentinel) still names \(master), which was replaced")
                }
                let connection = try await servers.connect(to: master.address, push: push)
                try await check(connection, master)
                guard note(master, by: sentinel, news) else {
                    connection.closeSoon()
                    throw RedisError(.unavailable, "\(master) was replaced while it was connected to")
                }
                listen()
                return connection
            } catch {
                problems.append(error.context)
            }
        }
        throw RedisError(
            .unavailable,
            "no master \"\(sentinels.master)\" through the Sentinels: " + Self.list(problems))
    }

    /// - Returns: False when there was news since the Sentinel was asked: its word may be old.
    private func note(_ master: RedisHost, by sentinel: RedisHost, _ news: Int) -> Bool {
        state.withLock { state in
            guard watch.count == news else { return false }
            state.current = master
            state.order.removeAll { $0 == sentinel }
            state.order.insert(sentinel, at: 0)
            return true
        }
    }

    /// - Parameter body: Called when there is another master than the one that connections lead to.
    func onSwitch(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onSwitch = body }
    }

    func close() async {
        let rounds = state.withLock { state in
            state.isClosed = true
            return state.rounds
        }
        rounds?.cancel()
        await watch.close()
    }

    /// Begins to listen, and to ask, unless it does already.
    private func listen() {
        watch.start()
        state.withLock { state in
            guard state.rounds == nil, !state.isClosed else { return }
            state.rounds = Task { [weak self] in
                while (try? await Task.sleep(for: Self.interval)) != nil { await self?.look() }
            }
        }
    }

    /// The server that was taken for the master says that it is none: what is known of the last switch is out
    /// of date.
    func masterIsReplica() { watch.forget() }

    private func take(_ news: SwitchWatch.News) {
        switch news {
        case .switched(_, let new): leave(for: new)
        case .gap: Task { [weak self] in await self?.look() }
        }
    }

    /// Asks all Sentinels, and leaves the master when the majority names another one.
    private func look() async {
        let named = await withTaskGroup(of: RedisHost?.self) { group in
            for sentinel in sentinels.hosts {
                group.addTask { try? await self.master(by: sentinel) }
            }
            return await group.reduce(into: [RedisHost: Int]()) { counts, host in
                if let host { counts[host, default: 0] += 1 }
            }
        }
        let majority = named.first { $0.value * 2 > sentinels.hosts.count }
        if let master = majority?.key, !watch.isRetired(master) { leave(for: master) }
    }

    /// A Sentinel that hears late of a switch tells what is known: connections that are right stay.
    private func leave(for master: RedisHost) {
        let body = state.withLock { state -> (@Sendable () -> Void)? in
            guard let current = state.current, current != master else { return nil }
            state.current = nil
            return state.onSwitch
        }
        body?()
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
