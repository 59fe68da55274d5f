import RedisClient

/// A lock in one key of one Redis whose waiters are told of its release.
///
/// Waiters of one process stand in line, and only the first of them asks Redis. A release in the same process
/// hands the lock to it in the command of the release, one in another process wakes it by a published
/// message. So there is no gap of polling and no herd. After a bounded number of hand-overs in a row
/// the lock is really released, for the other processes. Between the failed try and the subscription a
/// release would be missed: the first tries again when the subscription stands. A lost message or a dead
/// holder costs no more than the rest of the lease, or the pause of the retry policy, whichever is shorter.
/// Waiters of one process are served in order of arrival; between processes there is no order. Behind a
/// holder of the same process nobody asks until it releases or its lease has ended, also when Redis has lost
/// the key. What breaks it: as for `setnx-spin`, a holder stopped past its lease, or a Redis that loses the
/// key. One round trip per attempt and one to release, none for who is handed the lock, two more when another
/// process holds it; they carry the read and the write of a purchase. Source: redis.io, command SET,
/// "Patterns"; the release message as in Redisson's RedissonLock.
public struct NotifyLock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    let redis: Redis
    let leases: OneNodeLeases<Redis, C>
    let clock: C
    let random: RandomSource
    private let retry: RetryPolicy
    let room: WaitingRoom

    /// - Parameters:
    ///   - redis: Keeps the lock.
    ///   - clock: Counts leases and pauses.
    ///   - random: Makes tokens and spreads pauses.
    ///   - retry: The longest pauses between two tries when no message comes.
    ///   - validity: What is taken off a lease for the drift of clocks.
    ///   - finishing: Takes clean-up that no caller waits for; nil: the call waits for it.
    public init(
        redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity,
        finishing: FinishingQueue? = nil
    ) {
        self.redis = redis
        room = WaitingRoom(clock: clock)
        leases = OneNodeLeases(
            redis: redis, clock: clock, validity: validity, releaseScript: EmbeddedScripts.releaseAndTell,
            carriedRelease: EmbeddedScripts.writeAndTell, finishing: finishing)
        self.clock = clock
        self.random = random
        self.retry = retry
    }

    /// Tasks of this process in the line of a lock.
    func waitingCount(of key: LockKey) -> Int { room.count(of: key) }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        try await take(key, timeToLive, deadline, reading: nil).outcome
    }

    func take(
        _ key: LockKey, _ timeToLive: Duration, _ deadline: ContinuousClock.Instant, reading: SectionCall?
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        let milliseconds = try leases.validity.checked(timeToLive)
        let began = clock.now
        let place = room.enter(key, timeToLive: timeToLive, reading: reading)
        do throws(StrategyError) {
            switch try await room.service(of: place, before: deadline, on: clock) {
            case .outOfTime:
                var cost = Evidence()
                await leave(place, &cost)
                cost.waited = began.duration(to: clock.now)
                return (.contended(evidence: cost), nil)
            case .handed(let lease, let stock):
                return (try await accept(lease, since: began), stock)
            case .ask:
                break
            }
            let inLine = Evidence(waited: began.duration(to: clock.now))
            let answer = try await ask(place, milliseconds, deadline, after: inLine)
            switch answer.outcome {
            case .granted(let lease, _):
                // With a lease the subscription stays until the release.
                _ = room.leave(place, with: lease, now: clock.now)
                return answer
            case .contended(var evidence):
                await leave(place, &evidence)
                return (.contended(evidence: evidence), nil)
            }
        } catch {
            var cost = Evidence()
            await leave(place, &cost)
            throw error.adding(cost)
        }
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let outcome = try await leases.extend(lease, timeToLive: timeToLive)
        if case .extended(let longer) = outcome { room.extended(longer) }
        return outcome
    }

    public func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        if let heir = room.heir(of: lease), let outcome = try await handOver(lease, to: heir, &evidence) {
            return outcome
        }
        do throws(StrategyError) {
            let outcome = try await leases.releaseOnce(lease, &evidence)
            await unsubscribe(room.released(lease, isKnown: true))
            return outcome
        } catch {
            await unsubscribe(room.released(lease, isKnown: false))
            leases.finishLater(
                until: lease.validUntil, { [leases] in await leases.releaseLater(lease) },
                then: { await unsubscribe(room.released(lease, isKnown: true)) })
            throw error
        }
    }

    /// Nobody will release it, so the subscription that stays until the release has to end here.
    public func abandon(_ lease: Lease) async {
        await unsubscribe(room.released(lease, isKnown: false))
    }

    /// The lease that a holder of this process handed over, as what an acquisition of its own would have got.
    private func accept(
        _ lease: Lease, since began: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        var evidence = Evidence(attempts: 1, waited: began.duration(to: clock.now))
        if clock.now < lease.validUntil, !Task.isCancelled { return .granted(lease, evidence: evidence) }
        await giveBack(lease, &evidence)
        guard !Task.isCancelled else { throw WaitingRoom.cancelledInLine.adding(evidence) }
        throw StrategyError(
            .leaseLost, "the lock \(lease.key) was handed over after its validity; it was given back",
            evidence: evidence)
    }

    /// Gives back what was handed to a task that cannot use it any more; the next in line may get it.
    private func giveBack(_ lease: Lease, _ evidence: inout Evidence) async {
        _ = await uncancelled(&evidence) { cost in try? await release(lease, &cost) }
    }

    private func wait(
        _ place: WaitingRoom.Place, until instant: ContinuousClock.Instant
    ) async throws(StrategyError) {
        room.look(place, at: instant)
        await place.signal.wait()
        guard !Task.isCancelled else { throw WaitingRoom.cancelledInLine }
    }

    /// Asks Redis until it grants, as the only task of this process that does.
    private func ask(
        _ place: WaitingRoom.Place, _ milliseconds: Int64, _ deadline: ContinuousClock.Instant,
        after inLine: Evidence
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        let token = LeaseToken(random: random)
        // How long somebody else's lease can last, as far as the last try could see.
        var remaining: Duration?
        var stock: RESPValue?
        let loop = AcquireLoop(clock: clock, random: random, retry: retry)
        let outcome = try await loop.run(
            deadline: deadline, after: inLine,
            wait: { pause throws(StrategyError) in
                let most = remaining.map { min($0, pause) } ?? pause
                try await wait(place, until: clock.now + most)
            },
            attempt: { evidence throws(StrategyError) in
                while true {
                    place.signal.reset()
                    let lease = try await leases.attempt(
                        place.key, token, timeToLive: place.timeToLive, &evidence
                    ) { evidence throws(RedisError) in
                        let answer = try await request(
                            place, [token.description, String(milliseconds)], &evidence)
                        remaining = answer.grant < 0 ? .milliseconds(-answer.grant) : nil
                        stock = answer.stock
                        return answer.grant == 1 ? .granted(nil) : .taken
                    }
                    if lease != nil { return lease }
                    // What was released before the subscription stood is seen by another try.
                    guard clock.now < deadline, try await subscribe(place, &evidence) else { return nil }
                }
            })
        return (outcome, stock)
    }

    /// One request, which reads when it is granted and this place reads.
    private func request(
        _ place: WaitingRoom.Place, _ arguments: [String], _ evidence: inout Evidence
    ) async throws(RedisError) -> (grant: Int64, stock: RESPValue?) {
        guard let read = place.reading else {
            let reply = try await redis.run(
                EmbeddedScripts.acquireOrRemaining, keys: [place.key.description], arguments: arguments,
                &evidence)
            return (reply.integer ?? 0, nil)
        }
        return try await leases.ask(
            EmbeddedScripts.acquireOrRemainingAndRead, keys: [place.key.description], arguments: arguments,
            reading: read, &evidence)
    }

    /// Listens for releases in other processes; true when it did not before.
    ///
    /// Without a subscription the pauses between the tries bound the wait, so its failure is no failure.
    private func subscribe(
        _ place: WaitingRoom.Place, _ evidence: inout Evidence
    ) async throws(StrategyError) -> Bool {
        guard !room.isSubscribed(place.key) else { return false }
        do throws(RedisError) {
            let subscription = try await redis.subscribe(to: "\(place.key):released", &evidence) {
                [room] _ in
                // A message, or messages may have been missed: either way it is worth a try.
                room.wake(place.key)
            }
            room.keep(subscription, for: place.key)
            return true
        } catch {
            guard error.code != .cancelled else {
                throw StrategyError(error, during: "subscribing to releases of \(place.key)")
            }
            return false
        }
    }

    private func leave(_ place: WaitingRoom.Place, _ evidence: inout Evidence) async {
        let remains = room.leave(place, now: clock.now)
        if let lease = remains.grant { await giveBack(lease, &evidence) }
        await unsubscribe(remains.unused)
    }

    func unsubscribe(_ subscription: RedisSubscription?) async {
        guard let subscription else { return }
        await uncancelled { await subscription.cancel() }
    }
}

extension StrategyEntry {
    /// The strategy `setnx-notify`: see ``NotifyLock``.
    public static let setnxNotify = StrategyEntry(
        "setnx-notify",
        traits: StrategyTraits(
            summary: "SET NX with a lease on one Redis; waiters stand in line and are told of the release",
            criticalSection: StrategyTraits.guardedSection,
            abilities: [.leases, .notifiedWaiting, .arrivalOrder],
            retry: RetryPolicy(delay: .fixed(.milliseconds(500)))),
        factory: NotifyFactory())
}

private struct NotifyFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(
            NotifyLock(
                redis: parts.stock, clock: parts.clock, random: parts.random, retry: parts.retry,
                validity: parts.validity, finishing: parts.finishing))
    }
}
