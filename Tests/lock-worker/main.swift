// A process of its own for the clauses that need several: it takes a lock and does what it is told.
//
//   lock-worker count STRATEGY KEY COUNTER ROUNDS URL[,NODE…]   read, pause, write a counter under the lock
//   lock-worker hold  STRATEGY KEY TTL_MS 0 URL[,NODE…]         take the lock, say so, keep it until killed
import Foundation
import LockStrategies
import RedisClient

struct WorkerFailure: Error {
    let reason: String
}

/// At once, although the output is a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

func run(_ words: [String]) async throws {
    guard words.count == 6, let id = StrategyID(rawValue: words[1]), let number = Int(words[4]) else {
        throw WorkerFailure(reason: "usage: see the head of the source file")
    }
    let endpoints = try words[5].split(separator: ",").map { try RedisEndpoint(parsing: String($0)) }
    // Far above what any machine needs: a slow one must not fail the test that started us.
    let limits = RedisClient.Limits(connect: .seconds(60), command: .seconds(60))
    let stock = RedisClient(endpoints[0], limits: limits)
    let catalogue = StrategyCatalogue(
        stock: stock,
        lockNodes: endpoints.dropFirst().map {
            LockNode(name: $0.description, redis: RedisClient($0, limits: limits))
        },
        clock: ContinuousClock())
    guard let lock = try catalogue.lock(id) else { throw WorkerFailure(reason: "\(id) has no lock") }
    let deadline = ContinuousClock.now + .seconds(120)
    switch words[0] {
    case "count":
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
            case .granted = try await lock.acquire(
                LockKey(words[2]), timeToLive: timeToLive, deadline: deadline)
        else { throw WorkerFailure(reason: "contended") }
        say("held")
        // Until the test kills it; the test runner's own end would do it too.
        try await Task.sleep(for: .seconds(600))
    default:
        throw WorkerFailure(reason: "unknown task \(words[0])")
    }
}

try await run(Array(CommandLine.arguments.dropFirst()))
