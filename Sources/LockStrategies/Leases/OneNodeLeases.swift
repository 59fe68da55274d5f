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
    private let carriedRelease: RedisScript
    private let finishing: FinishingQueue?
    private static var longestPause: Duration { .milliseconds(100) }

    /// - Parameters:
    ///   - carriedRelease: A write with the release behind it.
    ///   - finishing: Where a release is tried again that Redis did not answer; nil: the lock then stays
    ///     until its time to live ends.
    init(
        redis: Redis, clock: C, validity: LeaseValidity,
        releaseScript: RedisScript = EmbeddedScripts.releaseLock,
        carriedRelease: RedisScript = EmbeddedScripts.writeAndRelease, finishing: FinishingQueue?
    ) {
        node = LockNode(name: "redis", redis: redis, releaseScript: releaseScript)
        self.clock = clock
        self.validity = validity
        self.carriedRelease = carriedRelease
        self.finishing = finishing
    }

    /// Asks once. A grant whose reply was lost, or that came after its validity, is taken back.
    ///
    /// - Parameter ask: Sends the granting command and counts what it sends.
    /// - Returns: The lease, or nil when somebody else holds the lock.
    func attempt(
        _ key: LockKey, _ token: LeaseToken, timeToLive: Duration, _ evidence: inout Evidence,
        ask: (_ evidence: inout Evidence) async throws(RedisError) -> Answer
    ) async throws(StrategyError) -> Lease? {
        let asked = clock.now
        let answer: Answer
        do throws(RedisError) {
            answer = try await ask(&evidence)
        } catch {
            if error.mayHaveBeenApplied {
                await takeBack(
                    key, token, until: validity.end(asked: clock.now, timeToLive: timeToLive), &evidence)
            }
            throw StrategyError(error, during: "acquiring \(key)")
        }
        guard case .granted(let fence) = answer else { return nil }
        let end = validity.end(asked: asked, timeToLive: timeToLive)
        guard clock.now < end else {
            await takeBack(key, token, until: end, &evidence)
            throw StrategyError(
                .leaseLost, "the grant of \(key) arrived after its validity; it was given back")
        }
        return Lease(key: key, token: token, fence: fence, validUntil: end)
    }

    /// Sends a granting script that reads in the same step when it grants.
    ///
    /// - Parameters:
    ///   - grant: The lock's script with the read behind it.
    ///   - keys: Those of the lock's script; likewise its arguments.
    /// - Returns: The answer of the lock's script, and that of the read where it was made and did not fail.
    func ask(
        _ grant: RedisScript, keys: [String], arguments: [String], reading read: SectionCall,
        _ evidence: inout Evidence
    ) async throws(RedisError) -> (grant: Int64, stock: RESPValue?) {
        let reply = try await node.redis.run(
            grant, keys: keys + read.keys, arguments: arguments + read.arguments, &evidence)
        guard let parts = reply.array, let answer = parts.first?.integer else {
            throw RedisError(.protocolViolation, "the script \(grant.name) answered \(reply)")
        }
        return (answer, parts.count == 2 && parts[1] != .null ? parts[1] : nil)
    }

    /// Writes, and releases in the same step.
    ///
    /// - Returns: The answers to both; nil for a release that has failed.
    func write(
        _ write: SectionCall, thenRelease lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: NodeAnswer?) {
        let replies = try await answers(
            to: carriedRelease, keys: write.keys + [lease.key.description],
            arguments: write.arguments + [lease.token.description], under: lease, &evidence)
        guard replies.count == 2, replies[1] != .null else { return (replies[0], nil) }
        return (replies[0], NodeAnswer(replies[1]))
    }

    /// Sends a script that writes first; what each of its steps answered.
    func answers(
        to script: RedisScript, keys: [String], arguments: [String], under lease: Lease,
        _ evidence: inout Evidence
    ) async throws(StrategyError) -> [RESPValue] {
        let reply: RESPValue
        do throws(RedisError) {
            reply = try await node.redis.run(script, keys: keys, arguments: arguments, &evidence)
        } catch {
            throw StrategyError(error, during: "writing under \(lease.key) and giving it back")
        }
        guard let replies = reply.array, !replies.isEmpty else {
            throw StrategyError(.outcomeUnknown, "the script \(script.name) answered \(reply)")
        }
        return replies
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        var cost = Evidence()
        let answer: NodeAnswer
        do throws(RedisError) {
            answer = try await node.extend(lease.key, lease.token, milliseconds, &cost)
        } catch {
            throw StrategyError(error, during: "extending \(lease.key)", evidence: cost)
        }
        switch answer {
        case .absent: return .absent
        case .notOwner: return .notOwner
        case .done:
            let end = validity.end(asked: asked, timeToLive: timeToLive)
            guard clock.now < end else {
                throw StrategyError(
                    .leaseLost, "the extension of \(lease.key) took longer than its validity", evidence: cost)
            }
            return .extended(lease.extended(to: end))
        }
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        do throws(StrategyError) {
            return try await releaseOnce(lease, &evidence)
        } catch {
            finishLater(until: lease.validUntil) { await releaseLater(lease) }
            throw error
        }
    }

    /// Releases, and leaves it at that when Redis does not answer or refuses.
    func releaseOnce(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        do throws(RedisError) {
            return ReleaseOutcome(try await node.release(lease.key, lease.token, &evidence))
        } catch {
            throw StrategyError(error, during: "releasing \(lease.key)")
        }
    }

    /// Releases after the answer of the call, where nobody counts; nil when Redis did not answer.
    func releaseLater(_ lease: Lease) async -> ReleaseOutcome? {
        var uncounted = Evidence()
        return try? await releaseOnce(lease, &uncounted)
    }

    /// Tries to end a lease in the background until Redis answers. Without it the lock of a holder that was
    /// told BUSY, or nothing, would stand until its time to live ends.
    ///
    /// - Parameters:
    ///   - end: Of the lease: nothing is left to do from then on.
    ///   - attempt: Nil when Redis did not answer.
    ///   - then: Called when it did.
    func finishLater<Answer>(
        until end: ContinuousClock.Instant, _ attempt: @escaping @Sendable () async -> Answer?,
        then: @escaping @Sendable () async -> Void = {}
    ) {
        guard let finishing else { return }
        _ = finishing.start([
            { [clock] in
                var pause = Duration.milliseconds(10)
                while !finishing.isClosed, clock.now < end {
                    try? await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
                    if await attempt() != nil { return await then() }
                    pause = min(pause * 2, Self.longestPause)
                }
            }
        ])
    }

    /// Deletes a key that a lost or late grant may have left.
    private func takeBack(
        _ key: LockKey, _ token: LeaseToken, until end: ContinuousClock.Instant, _ evidence: inout Evidence
    ) async {
        let hasAnswered = await uncancelled(&evidence) { [node] cost in
            await node.takeBack(key, token, &cost)
        }
        if !hasAnswered {
            finishLater(until: end) { [node] in await node.takeBackLater(key, token) ? true : nil }
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
