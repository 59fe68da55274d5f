import NIOCore

/// What stands behind a client: one server, the master that Sentinels name, or a cluster.
enum Topology: Sendable {
    case server(ServerLink)
    case sentinel(ServerLink, MasterFinder)
    case cluster(ClusterRouter)

    /// Makes what the endpoint describes, and the subscriptions over it; connects to nothing yet.
    static func make(
        _ endpoint: RedisEndpoint, limits: RedisClient.Limits, runs: ServerRuns?,
        group: any EventLoopGroup
    ) -> (Topology, SubscriptionHub) {
        let dialer = Dialer(endpoint, limits: limits, runs: runs, group: group)
        func hub(_ connector: Connector) -> SubscriptionHub {
            SubscriptionHub(connector: connector, limits: limits, group: group)
        }
        switch endpoint.address {
        case .tcp, .unixSocket:
            let connector = Connector(limits: limits) { push throws(RedisError) in
                try await dialer.connect(to: endpoint.address, push: push)
            }
            let subscriptions = hub(connector)
            let link = ServerLink(to: endpoint.server, connector: connector, limits: limits, group: group) {
                [weak subscriptions] in subscriptions?.leave()
            }
            return (.server(link), subscriptions)
        case .sentinel(let sentinels):
            let finder = MasterFinder(
                sentinels, endpoint: endpoint, limits: limits, runs: runs, group: group)
            let connector = Connector(limits: limits) { push throws(RedisError) in
                try await finder.connect(push)
            }
            let subscriptions = hub(connector)
            let link = ServerLink(to: endpoint.server, connector: connector, limits: limits, group: group) {
                [weak finder, weak subscriptions] in
                finder?.masterIsReplica()
                subscriptions?.leave()
            }
            finder.onSwitch { [weak link, weak subscriptions] in
                link?.leave()
                subscriptions?.leave()
            }
            return (.sentinel(link, finder), subscriptions)
        case .cluster(let nodes):
            let router = ClusterRouter(seeds: nodes, dialer: dialer, limits: limits, group: group)
            let connector = Connector(limits: limits) { push throws(RedisError) in
                try await router.connectToAny(push)
            }
            return (.cluster(router), hub(connector))
        }
    }

    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        switch self {
        case .server(let link), .sentinel(let link, _):
            try await link.exchange(commands, before: deadline)
        case .cluster(let router):
            try await router.exchange(commands, before: deadline)
        }
    }

    func transaction<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>, before deadline: NIODeadline,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        switch self {
        case .server(let link), .sentinel(let link, _):
            try await link.transaction(transaction, before: deadline, decide: decide)
        case .cluster(let router):
            try await router.transaction(transaction, before: deadline, decide: decide)
        }
    }

    /// Asks every server that holds keys for a sign of life.
    func meetServers(before deadline: NIODeadline) async throws(RedisError) {
        switch self {
        case .server(let link), .sentinel(let link, _):
            let reply = try await link.exchange([RedisCommand("PING")], before: deadline)[0]
            if case .error(let error) = reply { throw .refused(error) }
        case .cluster(let router):
            try await router.meetMasters(before: deadline)
        }
    }

    /// Transactions that wait for a connection now.
    var waitingTransactions: Int {
        switch self {
        case .server(let link), .sentinel(let link, _): link.waitingTransactions
        case .cluster(let router): router.waitingTransactions
        }
    }

    /// Servers that are left alone now, because they did not answer.
    var serversLeftAlone: Int {
        switch self {
        case .server(let link), .sentinel(let link, _): link.isLeftAlone ? 1 : 0
        case .cluster(let router): router.serversLeftAlone
        }
    }

    func close() async {
        switch self {
        case .server(let link):
            await link.close()
        case .sentinel(let link, let finder):
            await finder.close()
            await link.close()
        case .cluster(let router):
            await router.close()
        }
    }
}
