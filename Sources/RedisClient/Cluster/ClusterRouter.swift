import NIOCore
import Synchronization

/// Sends each command to the node of a cluster that serves its key, and follows when that changes.
///
/// Sent again is only what a node said it has not run, and what was never sent; a lost reply is an unknown
/// outcome here as anywhere.
final class ClusterRouter: Sendable {
    private struct State {
        var map = SlotMap()
        /// Grows with each map that was read, so that many commands that fail at once read it once.
        var version = 0
        var links: [RedisHost: ServerLink] = [:]
        /// Who waits for the map that is being asked for; nil: nobody asks.
        var waiting: [Completion<Void>]?
        var isClosed = false
    }

    private let seeds: [RedisHost]
    private let dialer: Dialer
    private let limits: RedisClient.Limits
    private let group: any EventLoopGroup
    private let policy: ReconnectPolicy
    private let state = Mutex(State())

    /// After so many MOVED and ASK the nodes contradict each other, and going on would not end it.
    private static let mostRedirections = 8

    init(
        seeds: [RedisHost], dialer: Dialer, limits: RedisClient.Limits, group: any EventLoopGroup
    ) {
        self.seeds = seeds
        self.dialer = dialer
        self.limits = limits
        self.group = group
        policy = ReconnectPolicy(base: .milliseconds(10), cap: .milliseconds(100))
    }

    /// Sends commands whose keys share a slot in one piece. Those that the node did not run are sent again,
    /// so their order against the others is kept only while the slot stays where it is.
    ///
    /// - Throws: `.refused` without sending anything when the keys are of several slots.
    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        let slot = try Self.slot(of: commands.flatMap { CommandKeys.of($0) })
        var route = Route(slot: slot, deadline: deadline, policy: policy)
        var replies: [RESPValue] = []
        var open = Array(commands.indices)
        while true {
            let node: RedisHost
            do throws(RedisError) {
                node = try await self.node(&route)
                let batch = open.map { commands[$0] }
                let answers = try await exchange(batch, with: node, isAsking: route.isAsking, deadline)
                if replies.isEmpty {
                    replies = answers
                } else {
                    for (index, answer) in zip(open, answers) { replies[index] = answer }
                }
            } catch {
                // Nothing was sent this time. Why it was not run before says more than that the time is over.
                let isOver = [.timedOut, .unavailable].contains(error.code) && deadline <= .now()
                if isOver, error.reply == nil, !replies.isEmpty { return replies }
                try await handle(error, &route)
                continue
            }
            let refused = open.filter { index in
                replies[index].error.flatMap { Redirection($0, from: node) } != nil
            }
            guard let index = refused.first, let error = replies[index].error,
                let redirection = Redirection(error, from: node)
            else { return replies }
            // With the server's own words once the time or the patience is over.
            guard try await follow(redirection, &route) else { return replies }
            open = refused
        }
    }

    /// See ``RedisClient/transaction(watching:reading:decide:)``. A transaction on a slot whose keys are on
    /// the move waits for the end of the move: MULTI cannot be redirected by ASK.
    func transaction<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>, before deadline: NIODeadline,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        let keys = transaction.keys + transaction.reads.flatMap { CommandKeys.of($0) }
        var route = Route(slot: try Self.slot(of: keys), deadline: deadline, policy: policy)
        while true {
            let node: RedisHost
            do throws(RedisError) {
                node = try await self.node(&route)
            } catch {
                try await handle(error, &route)
                continue
            }
            do throws(RedisError) {
                return try await link(to: node).transaction(
                    transaction, before: deadline, decide: decide)
            } catch {
                if let reply = error.reply, var redirection = Redirection(reply, from: node) {
                    if case .ask = redirection { redirection = .wait }
                    guard try await follow(redirection, &route) else { throw error }
                } else {
                    try await handle(error, &route)
                }
            }
        }
    }

    /// Asks every node that serves slots for a sign of life.
    func meetMasters(before deadline: NIODeadline) async throws(RedisError) {
        try await refresh(before: deadline)
        for node in state.withLock(\.map.masters) {
            let reply = try await link(to: node).exchange([RedisCommand("PING")], before: deadline)[0]
            if case .error(let error) = reply { throw .refused(error) }
        }
    }

    /// A connection to any node, for commands without keys and for pub/sub, which reaches all nodes.
    func connectToAny(_ push: Connector.Push?) async throws(RedisError) -> RedisConnection {
        var last = RedisError(.unavailable, "the cluster has no nodes")
        for node in candidates.shuffled() {
            do throws(RedisError) {
                return try await dialer.connect(to: node.address, push: push)
            } catch {
                last = error
            }
        }
        throw RedisError(
            .unavailable, "no node of the cluster is in reach: \(last.context)", reply: last.reply)
    }

    func close() async {
        let links = state.withLock { state in
            state.isClosed = true
            defer { state.links = [:] }
            return Array(state.links.values)
        }
        for link in links { await link.close() }
    }

    /// Transactions that wait for a connection now.
    var waitingTransactions: Int {
        state.withLock { Array($0.links.values) }.map(\.waitingTransactions).reduce(0, +)
    }

    /// Nodes that are left alone now, because they did not answer.
    var serversLeftAlone: Int {
        state.withLock { Array($0.links.values) }.count { $0.isLeftAlone }
    }
}

extension ClusterRouter {
    /// - Returns: nil for no keys at all.
    static func slot(of keys: [String]) throws(RedisError) -> Int? {
        let slots = Set(keys.map(KeySlot.of))
        guard slots.count <= 1 else {
            throw RedisError(
                .refused,
                "the keys \(keys.joined(separator: ", ")) are in several slots of the cluster; give them one "
                    + "part in braces, as in stock:{7} and lock:{7}",
                reply: RedisServerError(message: "CROSSSLOT Keys in request don't hash to the same slot"),
                commandsSent: 0)
        }
        return slots.first
    }

    private var candidates: [RedisHost] {
        let known = state.withLock(\.map.nodes)
        return known + seeds.filter { !known.contains($0) }
    }

    private func link(to node: RedisHost) throws(RedisError) -> ServerLink {
        let link: ServerLink? = state.withLock { state in
            guard !state.isClosed else { return nil }
            if let link = state.links[node] { return link }
            let connector = Connector(limits: limits) { [dialer] push throws(RedisError) in
                try await dialer.connect(to: node.address, push: push)
            }
            let link = ServerLink(
                to: "\(node)", connector: connector, limits: limits, group: group)
            state.links[node] = link
            return link
        }
        guard let link else { throw .clientClosed }
        return link
    }

    private func exchange(
        _ commands: [RedisCommand], with node: RedisHost, isAsking: Bool, _ deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        let link = try link(to: node)
        guard isAsking else { return try await link.exchange(commands, before: deadline) }
        // ASKING is for the next command only.
        let all = commands.flatMap { [RedisCommand("ASKING"), $0] }
        let replies = try await link.exchange(all, before: deadline)
        return stride(from: 1, to: replies.count, by: 2).map { replies[$0] }
    }

    /// Where to send now; asks for the map when it is not known.
    private func node(_ route: inout Route) async throws(RedisError) -> RedisHost {
        if let asked = route.takeAsked() { return asked }
        let version = state.withLock(\.version)
        if version == 0 || (route.mustRefresh && version == route.mapVersion) {
            try await refresh(before: route.deadline)
        }
        let map = state.withLock { state in
            route.use(mapVersion: state.version)
            return state.map
        }
        guard let slot = route.slot else { return map.nodes[route.failures % map.nodes.count] }
        guard let owner = map.owner(of: slot) else {
            throw RedisError(.unavailable, "no node of the cluster serves slot \(slot)")
        }
        return owner
    }

    /// Goes on after an error that says that nothing was sent; throws every other.
    private func handle(_ error: RedisError, _ route: inout Route) async throws(RedisError) {
        // What a server said in words (a wrong password) stays as it is, except that it is still starting.
        let mayPass = error.reply.map { $0.prefix == "LOADING" } ?? true
        guard error.code == .unavailable, mayPass, !state.withLock(\.isClosed) else { throw error }
        route.mustRefresh = true
        guard try await pause(&route) else { throw error }
    }

    /// - Returns: False when it is time to give up.
    private func follow(_ redirection: Redirection, _ route: inout Route) async throws(RedisError) -> Bool {
        switch redirection {
        case .moved(let slot, let node):
            route.redirections += 1
            let promoted = state.withLock { state in
                let isKnown = state.map.serves(node)
                state.map.set(slot, to: node)
                return isKnown ? nil : state.links[node]
            }
            promoted?.leaveLater()
            route.mustRefresh = route.redirections > 1 || promoted != nil
            return route.redirections <= Self.mostRedirections
        case .ask(let node):
            route.redirections += 1
            route.ask(node)
            return route.redirections <= Self.mostRedirections
        case .wait:
            route.mustRefresh = true
            return try await pause(&route)
        }
    }

    /// Waits a little; false when that would be longer than the caller waits.
    private func pause(_ route: inout Route) async throws(RedisError) -> Bool {
        let pause = TimeAmount(route.nextPause(jitter: .random(in: 0...1)))
        guard NIODeadline.now() + pause < route.deadline else { return false }
        let end = Completion<Void>()
        let timer = group.next().scheduleTask(in: pause) { _ = end.finish(.success(())) }
        defer { timer.cancel() }
        try await end.value { RedisError(.cancelled, "cancelled before it was run") }
        return true
    }

    /// Waits for a newer map. All who need one at the same time share one question, which belongs to the
    /// client and goes on when a caller leaves; each waits no longer than it has time.
    private func refresh(before deadline: NIODeadline) async throws(RedisError) {
        let map = Completion<Void>()
        let isFirst = state.withLock { state in
            let isFirst = state.waiting == nil
            state.waiting = (state.waiting ?? []) + [map]
            return isFirst
        }
        if isFirst {
            Task {
                let result: Result<Void, RedisError>
                do throws(RedisError) {
                    result = .success(try await discover())
                } catch {
                    result = .failure(error)
                }
                let waiting = state.withLock { state in
                    defer { state.waiting = nil }
                    return state.waiting ?? []
                }
                for completion in waiting { completion.finish(result) }
            }
        }
        let timer = group.next().scheduleTask(deadline: deadline) {
            _ = map.finish(
                .failure(RedisError(.unavailable, "no map of the cluster within the time limit")))
        }
        defer { timer.cancel() }
        try await map.value { RedisError(.cancelled, "cancelled while asking for the map of the cluster") }
    }

    /// Asks all nodes for the map at once, and takes what most of them tell: one that is cut off from the
    /// others tells an old map.
    private func discover() async throws(RedisError) {
        let nodes = candidates
        let poll = await withTaskGroup(of: Result<SlotMap, RedisError>.self) { group in
            for node in nodes { group.addTask { await self.map(toldBy: node) } }
            var poll = MapPoll(asked: nodes.count)
            for await answer in group {
                poll.count(answer)
                if poll.isDecided { group.cancelAll() }
            }
            return poll
        }
        adopt(try poll.map())
    }

    /// Connecting to a node that is away counts as its answer.
    private func map(toldBy node: RedisHost) async -> Result<SlotMap, RedisError> {
        do throws(RedisError) {
            let deadline = NIODeadline.now() + TimeAmount(limits.connect)
            let reply = try await link(to: node).exchange(
                [RedisCommand("CLUSTER", "SLOTS")], before: deadline)[0]
            if case .error(let error) = reply { throw .refused(error) }
            guard let map = SlotMap(reply, from: node) else {
                throw RedisError(.unavailable, "\(node) knows no slots of the cluster")
            }
            return .success(map)
        } catch {
            return .failure(error)
        }
    }

    private func adopt(_ map: SlotMap) {
        let (gone, changed) = state.withLock { state in
            // The first map tells of no change.
            let changed = state.version == 0 ? [] : state.map.masters.symmetricDifference(map.masters)
            state.map = map
            state.version += 1
            let known = Set(map.nodes + seeds)
            let gone = state.links.filter { !known.contains($0.key) }
            for node in gone.keys { state.links[node] = nil }
            return (Array(gone.values), changed.compactMap { state.links[$0] })
        }
        // All nodes are asked for the map, so there may be a connection to a replica. When the replica is
        // promoted, and when a master becomes a replica that may be promoted again, the next command for its
        // keys has to go over a new one, which notes that this server was not there before.
        for link in changed { link.leaveLater() }
        // Commands on their way to a node that left the cluster have an unknown outcome.
        for link in gone { Task { await link.close() } }
    }
}
