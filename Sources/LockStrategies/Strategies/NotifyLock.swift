import RedisClient

/// A lock in one key of one Redis whose waiters are told of its release.
///
/// Waiters of one process stand in line, and only the first of them asks Redis: a release in the same process
/// wakes it at once, one in another process by a published message. So there is no gap of polling and no herd.
/// Between the failed try and the subscription a release would be missed: the first tries again when the
/// subscription stands. A lost message or a dead holder costs no more than the rest of the lease, or the pause
/// of the retry policy, whichever is shorter. Waiters of one process are served in order of arrival; between
/// processes there is no order. Behind a holder of the same process nobody asks until it releases or its lease
/// has ended, also when Redis has lost the key. What breaks it: as for `setnx-spin`, a holder stopped past its lease, or a
/// Redis that loses the key. One round trip per attempt and one to release, two more when another process holds
/// the lock. Source: redis.io, command SET, "Patterns"; the release message as in Redisson's RedissonLock.
public struct NotifyLock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let redis: Redis
    private let leases: OneNodeLeases<Redis, C>
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy
    private let room = WaitingRoom()

    /// - Parameter retry: The longest pauses between two tries when no message comes.
    public init(
        redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity
    ) {
        self.redis = redis
        leases = OneNodeLeases(
            redis: redis, clock: clock, validity: validity, releaseScript: EmbeddedScripts.releaseAndTell)
        self.clock = clock
        self.random = random
        self.retry = retry
    }

    /// Tasks of this process in the line of a lock.
    func waitingCount(of key: LockKey) -> Int { room.count(of: key) }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try leases.validity.checked(timeToLive)
        let began = clock.now
        let place = room.enter(key)
        do throws(StrategyError) {
            guard try await isItsTurn(place, before: deadline) else {
                await leave(place)
                return .contended(evidence: Evidence(waited: began.duration(to: clock.now)))
            }
            let inLine = Evidence(waited: began.duration(to: clock.now))
            let outcome = try await ask(place, timeToLive, milliseconds, deadline, after: inLine)
            if case .granted(let lease, _) = outcome {
                // With a lease the subscription stays until the release.
                _ = room.leave(place, with: lease, now: clock.now)
            } else {
                await leave(place)
            }
            return outcome
        } catch {
            await leave(place)
            throw error
        }
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let outcome = try await leases.extend(lease, timeToLive: timeToLive)
        if case .extended(let longer) = outcome { room.extended(longer) }
        return outcome
    }

    public func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
        do throws(StrategyError) {
            let outcome = try await leases.release(lease)
            await unsubscribe(room.released(lease, isKnown: true))
            return outcome
        } catch {
            await unsubscribe(room.released(lease, isKnown: false))
            throw error
        }
    }

    /// Waits until this task is the first and nobody in this process holds the lock; false at the deadline.
    private func isItsTurn(
        _ place: WaitingRoom.Place, before deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Bool {
        while case .wait(let until) = room.turn(of: place, now: clock.now) {
            guard clock.now < deadline else { return false }
            try await wait(place, until: until.map { min($0, deadline) } ?? deadline)
        }
        return true
    }

    private func wait(
        _ place: WaitingRoom.Place, until instant: ContinuousClock.Instant
    ) async throws(StrategyError) {
        let isOver = await place.signal.wait(until: instant, on: clock)
        guard isOver, !Task.isCancelled else {
            throw StrategyError(.cancelled, "cancelled while waiting for the lock")
        }
    }

    /// Asks Redis until it grants, as the only task of this process that does.
    private func ask(
        _ place: WaitingRoom.Place, _ timeToLive: Duration, _ milliseconds: Int64,
        _ deadline: ContinuousClock.Instant, after inLine: Evidence
    ) async throws(StrategyError) -> AcquireOutcome {
        let token = LeaseToken(random: random)
        // How long somebody else's lease can last, as far as the last try could see.
        var remaining: Duration?
        let loop = AcquireLoop(clock: clock, random: random, retry: retry)
        return try await loop.run(
            deadline: deadline, after: inLine,
            wait: { pause throws(StrategyError) in
                let most = remaining.map { min($0, pause) } ?? pause
                try await wait(place, until: clock.now + most)
            },
            attempt: { evidence throws(StrategyError) in
                while true {
                    place.signal.reset()
                    let lease = try await leases.attempt(
                        place.key, token, timeToLive: timeToLive, &evidence
                    ) { evidence throws(RedisError) in
                        let reply = try await redis.run(
                            EmbeddedScripts.acquireOrRemaining, keys: [place.key.description],
                            arguments: [token.description, String(milliseconds)])
                        evidence.commandsSent += reply.commandsSent - 1
                        let answer = reply.value.integer ?? 0
                        remaining = answer < 0 ? .milliseconds(-answer) : nil
                        return answer == 1 ? .granted(nil) : .taken
                    }
                    if lease != nil { return lease }
                    // What was released before the subscription stood is seen by another try.
                    guard clock.now < deadline, try await subscribe(place, &evidence) else { return nil }
                }
            })
    }

    /// Listens for releases in other processes; true when it did not before.
    ///
    /// Without a subscription the pauses between the tries bound the wait, so its failure is no failure.
    private func subscribe(
        _ place: WaitingRoom.Place, _ evidence: inout Evidence
    ) async throws(StrategyError) -> Bool {
        guard !room.isSubscribed(place.key) else { return false }
        evidence.commandsSent += 1
        do throws(RedisError) {
            let subscription = try await redis.subscribe(to: "\(place.key):released") { [room] _ in
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

    private func leave(_ place: WaitingRoom.Place) async {
        await unsubscribe(room.leave(place, now: clock.now))
    }

    private func unsubscribe(_ subscription: RedisSubscription?) async {
        guard let subscription else { return }
        await uncancelled { await subscription.cancel() }
    }
}

extension StrategyTraits {
    static let setnxNotify = StrategyTraits(
        summary: "SET NX with a lease on one Redis; waiters stand in line and are told of the release",
        criticalSection: guardedSection, abilities: [.leases, .notifiedWaiting, .arrivalOrder],
        retry: RetryPolicy(delay: .fixed(.milliseconds(500))))
}
