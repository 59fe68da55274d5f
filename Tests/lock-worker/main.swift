// A process of its own for the clauses that need several: it takes a lock and does what it is told.
//
//   lock-worker count STRATEGY KEY COUNTER ROUNDS URL[,NODE…]   read, pause, write a counter under the lock
//   lock-worker hold  STRATEGY KEY TTL_MS 0 URL[,NODE…]         take the lock, say so, keep it until killed
//   lock-worker churn STRATEGY KEY SET ROUNDS URL[,NODE…]       take and give back ROUNDS locks, note their
//   tokens lock-worker obey  STRATEGY LIST CLOCK 0 URL[,NODE…]         carry out the orders that come in a
//   Redis list
// Among the URLs may be one of PostgreSQL, for a lock that lives there.
import Foundation
import LockStrategies
import LocksPostgres
import PostgresClient
import RedisClient

struct WorkerFailure: Error {
    let reason: String
}

/// At once, although the output is a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// Far above what any machine needs: a slow one must not fail the test that started us.
let limits = RedisClient.Limits(connect: .seconds(60), command: .seconds(60))

func lock(
    _ id: StrategyEntry, on endpoints: [RedisEndpoint], _ database: PostgresEndpoint?,
    clock: some MonotonicClock
) throws -> any LeaseLock {
    let builder = StrategyBuilder(
        stock: RedisClient(endpoints[0], limits: limits),
        lockNodes: endpoints.dropFirst().map {
            LockNode(name: $0.description, redis: RedisClient($0, limits: limits))
        },
        clock: clock, advisoryLocks: database.map { PostgresAdvisoryLocks($0) })
    guard let lock = try builder.lock(id) else { throw WorkerFailure(reason: "\(id) has no lock") }
    return lock
}

func run(_ words: [String]) async throws {
    guard words.count == 6, let id = StrategyRegistry.builtIn.entry(named: words[1]),
        let number = Int(words[4])
    else {
        throw WorkerFailure(reason: "usage: see the head of the source file")
    }
    let urls = words[5].split(separator: ",").map { String($0) }
    let database = try urls.first { PostgresEndpoint.isURL($0) }.map { try PostgresEndpoint(parsing: $0) }
    let endpoints = try urls.filter { !PostgresEndpoint.isURL($0) }.map { try RedisEndpoint(parsing: $0) }
    let stock = RedisClient(endpoints[0], limits: limits)
    let deadline = ContinuousClock.now + .seconds(120)
    switch words[0] {
    case "count":
        let lock = try lock(id, on: endpoints, database, clock: ContinuousClock())
        for _ in 0..<number {
            guard
                case .granted(let lease, _) = try await lock.acquire(
                    LockKey(words[2]), timeToLive: .seconds(30), deadline: deadline)
            else { throw WorkerFailure(reason: "contended") }
            let value = try await stock.send(RedisCommand("GET", words[3])).integer ?? 0
            await Task.yield()
            _ = try await stock.send(RedisCommand("SET", words[3], String(value + 1)))
            _ = try await lock.release(lease)
        }
        say("done")
    case "hold":
        let timeToLive = Duration.milliseconds(Int(words[3]) ?? 0)
        guard
            case .granted = try await lock(id, on: endpoints, database, clock: ContinuousClock()).acquire(
                LockKey(words[2]), timeToLive: timeToLive, deadline: deadline)
        else { throw WorkerFailure(reason: "contended") }
        say("held")
        // Until the test kills it; the test runner's own end would do it too.
        try await Task.sleep(for: .seconds(600))
    case "churn":
        try await churn(
            lock(id, on: endpoints, database, clock: ContinuousClock()), LockKey(words[2]), rounds: number,
            notingIn: words[3], of: stock)
    case "obey":
        let orders = OrderList(redis: stock, name: words[2])
        switch words[3] {
        case "monotonic":
            let clock = ContinuousClock()
            try await obey(orders, lock(id, on: endpoints, database, clock: clock), clock)
        case "wall":
            let clock = WallClock()
            try await obey(orders, lock(id, on: endpoints, database, clock: clock), clock)
        default: throw WorkerFailure(reason: "unknown clock \(words[3])")
        }
    default:
        throw WorkerFailure(reason: "unknown task \(words[0])")
    }
}

try await run(Array(CommandLine.arguments.dropFirst()))
