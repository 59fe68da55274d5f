import RedisClient

/// Leases in one key of one Redis: what the locks on a single node share, whatever command grants them and
/// however they wait.
struct OneNodeLeases<Redis: RedisPort, C: MonotonicClock>: Sendable {
    /// What the granting command answered.
    enum Answer: Sendable {
        case granted(Fence?)
        case taken
    }

    let node: LockNode<Redis>
    let clock: C
    let validity: LeaseValidity

    init(
        redis: Redis, clock: C, validity: LeaseValidity,
        releaseScript: RedisScript = EmbeddedScripts.releaseLock
    ) {
        node = LockNode(name: "redis", redis: redis, releaseScript: releaseScript)
        self.clock = clock
        self.validity = validity
    }

    /// Asks once. A grant whose reply was lost, or that came after its validity, is taken back.
    ///
    /// - Parameter ask: Sends the granting command and counts what it sends beyond the first.
    /// - Returns: The lease, or nil when somebody else holds the lock.
    func attempt(
        _ key: LockKey, _ token: LeaseToken, timeToLive: Duration, _ evidence: inout Evidence,
        ask: (_ evidence: inout Evidence) async throws(RedisError) -> Answer
    ) async throws(StrategyError) -> Lease? {
        let asked = clock.now
        evidence.commandsSent += 1
        let answer: Answer
        do throws(RedisError) {
            answer = try await ask(&evidence)
        } catch {
            if error.mayHaveBeenApplied { evidence.commandsSent += await takeBack(key, token) }
            throw StrategyError(error, during: "acquiring \(key)")
        }
        guard case .granted(let fence) = answer else { return nil }
        let end = validity.end(asked: asked, timeToLive: timeToLive)
        guard clock.now < end else {
            evidence.commandsSent += await takeBack(key, token)
            throw StrategyError(
                .leaseLost, "the grant of \(key) arrived after its validity; it was given back")
        }
        return Lease(key: key, token: token, fence: fence, validUntil: end)
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        let answer = try await owned(
            "extending \(lease.key)",
            { () throws(RedisError) in
                try await node.extend(lease.key, lease.token, milliseconds)
            })
        switch answer {
        case .absent: return .absent
        case .notOwner: return .notOwner
        case .done:
            let end = validity.end(asked: asked, timeToLive: timeToLive)
            guard clock.now < end else {
                throw StrategyError(.leaseLost, "the extension of \(lease.key) took longer than its validity")
            }
            return .extended(lease.extended(to: end))
        }
    }

    func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
        let answer = try await owned(
            "releasing \(lease.key)",
            { () throws(RedisError) in
                try await node.release(lease.key, lease.token)
            })
        return ReleaseOutcome(answer)
    }

    func owned(
        _ step: String, _ command: () async throws(RedisError) -> NodeAnswer
    ) async throws(StrategyError) -> NodeAnswer {
        do throws(RedisError) {
            return try await command()
        } catch {
            throw StrategyError(error, during: step, evidence: Evidence(commandsSent: 1))
        }
    }

    /// Deletes a key that a lost or late grant may have left; the commands that it took.
    private func takeBack(_ key: LockKey, _ token: LeaseToken) async -> Int {
        await uncancelled { [node] in
            await node.takeBack(key, token)
            return 1
        }
    }
}

extension ReleaseOutcome {
    init(_ answer: NodeAnswer) {
        switch answer {
        case .done: self = .released
        case .notOwner: self = .notOwner
        case .absent: self = .absent
        }
    }
}
