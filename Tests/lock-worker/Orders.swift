import Foundation
import LockStrategies
import RedisClient

/// The list in which a test leaves orders, each a line of words.
struct OrderList {
    let redis: RedisClient
    let name: String

    /// The next order; waits for it.
    func next() async throws -> [String] {
        while true {
            // Shorter than the client's limit; a longer wait is another round.
            let reply = try await redis.send(RedisCommand("BLPOP", name, "20"))
            if let words = reply.array?.last?.string { return words.split(separator: " ").map(String.init) }
        }
    }
}

/// Carries out orders until `end`, and answers each with a line that begins with the order's number.
///
///     N acquire KEY TTL_MS LIMIT_MS   "started", then "granted LEFT_US ATTEMPTS" or "contended ATTEMPTS"
///     N extend TTL_MS                 "extended LEFT_US", "not-owner", "absent"
///     N release                       "released", "not-owner", "absent"
///     N left                          LEFT_US: what is left of the newest lease by the lock's clock
///     N clock                         "WALL_SECONDS MONOTONIC_SECONDS"
///
/// An error is answered with "failed CODE".
func obey(_ orders: OrderList, _ lock: any LeaseLock, _ clock: some MonotonicClock) async throws {
    let start = ContinuousClock.now
    var lease: Lease?
    func held() throws -> Lease {
        guard let lease else { throw WorkerFailure(reason: "an order about a lease, and there is none") }
        return lease
    }
    func left() throws -> Int64 {
        Int64(clock.now.duration(to: try held().validUntil) / .microseconds(1))
    }
    say("ready")
    while true {
        let order = try await orders.next()
        func answer(_ text: String) { say("\(order[0]) \(text)") }
        do {
            switch order[1] {
            case "acquire":
                answer("started")
                switch try await lock.acquire(
                    LockKey(order[2]), timeToLive: .milliseconds(Int(order[3]) ?? 0),
                    deadline: clock.now + .milliseconds(Int(order[4]) ?? 0))
                {
                case .granted(let granted, let evidence):
                    lease = granted
                    answer("granted \(try left()) \(evidence.attempts)")
                case .contended(let evidence): answer("contended \(evidence.attempts)")
                }
            case "extend":
                let timeToLive = Duration.milliseconds(Int(order[2]) ?? 0)
                switch try await lock.extend(try held(), timeToLive: timeToLive) {
                case .extended(let longer):
                    lease = longer
                    answer("extended \(try left())")
                case .notOwner: answer("not-owner")
                case .absent: answer("absent")
                }
            case "release":
                switch try await lock.release(try held()) {
                case .released: answer("released")
                case .notOwner: answer("not-owner")
                case .absent: answer("absent")
                }
            case "left": answer("\(try left())")
            case "clock":
                let wall = Date().timeIntervalSince1970
                answer("\(wall) \(start.duration(to: .now) / .seconds(1))")
            case "end": return
            default: throw WorkerFailure(reason: "unknown order \(order)")
            }
        } catch let error as StrategyError {
            answer("failed \(error.code.rawValue)")
        }
    }
}

/// What a lock must not be given: a clock that follows the wall clock. The control of clause 12.
struct WallClock: MonotonicClock {
    typealias Instant = ContinuousClock.Instant

    private let origin = ContinuousClock.now
    private let wallOrigin = Date()

    var now: Instant { origin + .seconds(Date().timeIntervalSince(wallOrigin)) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await Task.sleep(for: now.duration(to: deadline))
    }
}
