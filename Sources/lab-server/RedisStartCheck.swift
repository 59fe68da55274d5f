import RedisClient

/// What the Redis servers that somebody named are asked before anything is made.
struct RedisStartCheck: Sendable {
    let stock: RedisEndpoint
    let lockNodes: [RedisEndpoint]

    /// More patient than service: who waits here is a person, and wants the reason.
    private static let limits = RedisClient.Limits(connect: .seconds(2), command: .seconds(4))

    /// The stock's server answers, no server refuses us, and no two lock nodes are one server. A lock node that
    /// is away may come later: a quorum is enough.
    func run() async throws(StartFailure) {
        if case .failure(let error) = await Self.runID(stock) { throw failure(stock, error) }
        var names: [String: RedisEndpoint] = [:]
        for identity in await identities() {
            let node = identity.node
            switch identity.runID {
            case .success(let id):
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
    private struct Identity: Sendable {
        let position: Int
        let node: RedisEndpoint
        let runID: Result<String, RedisError>
    }

    /// Of the lock nodes, in their order, asked all at once.
    private func identities() async -> [Identity] {
        await withTaskGroup(of: Identity.self) { group in
            for (position, node) in lockNodes.enumerated() {
                group.addTask {
                    Identity(position: position, node: node, runID: await Self.runID(node))
                }
            }
            let all = await group.reduce(into: []) { $0.append($1) }
            return all.sorted { $0.position < $1.position }
        }
    }

    /// The name that a server gave itself when it started.
    private static func runID(_ endpoint: RedisEndpoint) async -> Result<String, RedisError> {
        let client = RedisClient(endpoint, limits: limits)
        let result: Result<String, RedisError>
        do throws(RedisError) {
            let info = try await client.send(RedisCommand("INFO", "server")).string ?? ""
            let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
            // A server that hides it counts as itself.
            result = .success(line.map { String($0.dropFirst("run_id:".count)) } ?? endpoint.server)
        } catch {
            result = .failure(error)
        }
        await client.close()
        return result
    }

    private func failure(_ endpoint: RedisEndpoint, _ error: RedisError) -> StartFailure {
        let advice = error.reply == nil ? "start it, or give another --redis" : "correct --redis"
        let reason =
            error.reply?.prefix == "NOAUTH"
            ? "it wants a password; write redis://user:password@host" : error.context
        return StartFailure(.redisUnreachable, "cannot use Redis at \(endpoint) (\(reason)); \(advice)")
    }
}
