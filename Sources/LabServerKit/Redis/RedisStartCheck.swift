import LockStrategies
import RedisClient

/// What the Redis servers that somebody named are asked before anything is made.
struct RedisStartCheck: Sendable {
    let stock: RedisEndpoint
    let lockNodes: [RedisEndpoint]
    let strategy: StrategyEntry

    /// More patient than service: who waits here is a person, and wants the reason.
    private static let limits = RedisClient.Limits(connect: .seconds(2), command: .seconds(4))

    /// Every server that answers keeps what it is given, the stock's answers, no server refuses us, and no
    /// two lock nodes are one server. A lock node that is away may come later: a quorum is enough.
    func run() async throws(StartFailure) {
        switch await Self.facts(stock) {
        case .success(let facts): try refuseEviction(stock, facts)
        case .failure(let error): throw failure(stock, error)
        }
        let rights = RedisRights(traits: strategy.traits)
        try await refuseMissingRight(on: stock) { client throws(RedisError) in
            try await rights.missing(on: client)
        }
        var names: [String: RedisEndpoint] = [:]
        for answer in await answers() {
            let node = answer.node
            switch answer.facts {
            case .success(let facts):
                try refuseEviction(node, facts)
                try await refuseMissingRight(on: node) { client throws(RedisError) in
                    try await rights.missing(onLockNode: client)
                }
                // A server that hides its name counts as itself.
                let id = facts.runID ?? node.server
                if let other = names.updateValue(node, forKey: id) {
                    throw StartFailure(
                        .usage,
                        "the lock nodes \(other) and \(node) are one server (run_id \(id.prefix(8))…), so they "
                            + "would vote twice; give independent servers in --redis")
                }
            case .failure(let error) where error.reply != nil:
                throw failure(node, error)
            case .failure:
                break
            }
        }
    }

    // No tuple through a task group: docs/decisions/0005.
    private struct Answer: Sendable {
        let position: Int
        let node: RedisEndpoint
        let facts: Result<RedisFacts, RedisError>
    }

    /// What the lock nodes answer, in their order, asked all at once.
    private func answers() async -> [Answer] {
        await withTaskGroup(of: Answer.self) { group in
            for (position, node) in lockNodes.enumerated() {
                group.addTask { Answer(position: position, node: node, facts: await Self.facts(node)) }
            }
            let all = await group.reduce(into: []) { $0.append($1) }
            return all.sorted { $0.position < $1.position }
        }
    }

    /// What a server says of itself; of a cluster, one of its nodes.
    private static func facts(_ endpoint: RedisEndpoint) async -> Result<RedisFacts, RedisError> {
        let client = RedisClient(endpoint, limits: limits)
        let result: Result<RedisFacts, RedisError>
        do throws(RedisError) {
            result = .success(RedisFacts(info: try await client.send(RedisCommand("INFO")).string ?? ""))
        } catch {
            result = .failure(error)
        }
        await client.close()
        return result
    }

    /// A server that cannot be asked now is no matter of rights: whether it is there, was asked before.
    private func refuseMissingRight(
        on endpoint: RedisEndpoint, _ ask: (RedisClient) async throws(RedisError) -> String?
    ) async throws(StartFailure) {
        let client = RedisClient(endpoint, limits: Self.limits)
        let missing: String?
        do throws(RedisError) { missing = try await ask(client) } catch { missing = nil }
        await client.close()
        guard let missing else { return }
        throw StartFailure(
            .redisUnreachable,
            "cannot use Redis at \(endpoint): its user lacks a right that \(strategy) needs (\(missing)); "
                + "docs/DEPLOYMENT.md has a line with all of them")
    }

    private func refuseEviction(_ endpoint: RedisEndpoint, _ facts: RedisFacts) throws(StartFailure) {
        guard let problem = facts.evictionProblem else { return }
        throw StartFailure(.redisUnreachable, "cannot use Redis at \(endpoint): \(problem)")
    }

    private func failure(_ endpoint: RedisEndpoint, _ error: RedisError) -> StartFailure {
        let advice = error.reply == nil ? "start it, or give another --redis" : "correct --redis"
        let reason =
            error.reply?.prefix == "NOAUTH"
            ? "it wants a password; write redis://user:password@host" : error.context
        return StartFailure(.redisUnreachable, "cannot use Redis at \(endpoint) (\(reason)); \(advice)")
    }
}
