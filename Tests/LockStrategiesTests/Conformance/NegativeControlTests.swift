import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Clause 4: the tests of clauses 1 to 3 can fail. Each of these is broken in one way and is seen to be.
@Suite("4 · Negative controls")
struct NegativeControlTests {
    @Test("without a lock, counter updates are lost and holds overlap")
    func noLock() async throws {
        try await StrategyLab.run(for: .setnxSpin) { lab in
            try await countUnder(NoLock(), tasks: 100, rounds: 2, stock: lab.stock)
            let counter = try #require(try await lab.stock.send(RedisCommand("GET", "counter")).integer)
            #expect(counter < 200)
            #expect(overlaps(in: try await holdIntervals(NoLock(), tasks: 40, rounds: 3, on: lab.stock)) > 0)
        }
    }

    @Test("with a time to live shorter than the work, two are inside at once")
    func shortTimeToLive() async throws {
        try await StrategyLab.run(for: .setnxSpin) { lab in
            let lock = try #require(try lab.builder().lock(.setnxSpin))
            let key = LockKey("lock:a")
            let hasty = try #require(try lab.builder(clock: SkippingClock()).lock(.setnxSpin))
            let first = try await hasty.granted(key, timeToLive: .milliseconds(10))
            let second = try await lock.granted(key)
            // The first has not released: both believe that they hold the lock.
            #expect(first.token != second.token)
            #expect(try await lock.release(first) == .notOwner)
        }
    }

    @Test("without a token, a late release lets a third in beside the second")
    func noToken() async throws {
        try await StrategyLab.run(for: .setnxSpin) { lab in
            for (isBlind, expected) in [(true, true), (false, false)] {
                let sound = try #require(try lab.builder().lock(.setnxSpin))
                let key = LockKey("lock:\(isBlind)")
                let hasty = try #require(try lab.builder(clock: SkippingClock()).lock(.setnxSpin))
                let first = try await hasty.granted(key, timeToLive: .milliseconds(10))
                let second = try await sound.granted(key)
                if isBlind {
                    try await BlindRelease(redis: lab.stock).release(first)
                } else {
                    _ = try await sound.release(first)
                }
                let third = try await sound.acquire(
                    key, timeToLive: .seconds(10), deadline: ContinuousClock.now)
                var isInside = false
                if case .granted = third { isInside = true }
                #expect(isInside == expected)
                _ = try await sound.release(second)
            }
        }
    }

    @Test("unguarded sells more than there is")
    func unguardedOversells() async throws {
        try await StrategyLab.run(for: .unguarded) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let sales = try await buy(
                with: lab.builder().strategy(.unguarded), lab, (0..<200).map { _ in (product, 1) })
            let stock = try #require(try await lab.readStock(product))
            #expect(sales.reserved + Int(stock) > 10)
        }
    }
}

/// Grants to everybody.
private struct NoLock: LeaseLock {
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let lease = Lease(
            key: key, token: LeaseToken(random: .system), fence: nil,
            validUntil: ContinuousClock.now + timeToLive)
        return .granted(lease, evidence: Evidence(attempts: 1))
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        .extended(lease)
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome { .released }
}

/// Deletes the key without looking whose it is (ShedLock #74).
private struct BlindRelease {
    let redis: RedisClient

    func release(_ lease: Lease) async throws {
        _ = try await redis.send(RedisCommand("DEL", lease.key.description))
    }
}
