import Dispatch
import Foundation
import LockStrategies
package import RedisClient
import Synchronization

/// What signals tell a worker.
final class WorkerSwitches: Sendable {
    private let stopped = Atomic<Bool>(false)
    private let slow = Atomic<Bool>(false)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// It is to end (SIGTERM).
    var isStopped: Bool { stopped.load(ordering: .relaxed) }
    /// Between SIGUSR1 and SIGUSR2.
    var isSlow: Bool { slow.load(ordering: .relaxed) }

    func watch() {
        let steps: [(Int32, @Sendable () -> Void)] = [
            (SIGTERM, { self.stopped.store(true, ordering: .relaxed) }),
            (SIGUSR1, { self.slow.store(true, ordering: .relaxed) }),
            (SIGUSR2, { self.slow.store(false, ordering: .relaxed) }),
        ]
        sources.withLock { sources in
            sources = steps.map { number, step in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler(handler: step)
                source.resume()
                return source
            }
        }
    }
}

/// A Redis on which a call that takes units is slow: work between the last look at the clock and the write.
struct SlowRedis: RedisPort {
    let redis: RedisClient
    let switches: WorkerSwitches
    /// Of each call that takes units.
    let work: Duration
    /// Of one in so many of them, while the worker is slow.
    let delay: Duration
    let oneIn: Int

    private func pause() -> Duration {
        let isSlow = delay > .zero && switches.isSlow && Int.random(in: 0..<oneIn) == 0
        return isSlow ? delay + work : work
    }

    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue { try await redis.send(command) }

    func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        let pause = script.takesUnits ? pause() : .zero
        guard pause > .zero else { return try await redis.run(script, keys: keys, arguments: arguments) }
        return try await SendPermit.stalling {
            try? await Task.sleep(for: pause)
        } _: { () throws(RedisError) in
            try await redis.run(script, keys: keys, arguments: arguments)
        }
    }

    func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        let pause = pause()
        return try await redis.transaction(watching: keys, reading: reading) { replies in
            // Between what was read and what is written; the connection belongs to this transaction alone.
            if pause > .zero { Thread.sleep(forTimeInterval: pause / .seconds(1)) }
            return decide(replies)
        }
    }

    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        try await redis.subscribe(to: channel, onEvent: onEvent)
    }

    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await redis.finishing(calls)
    }
}

extension RedisScript {
    /// Whether it takes units from a stock: there is one such script of each strategy.
    package var takesUnits: Bool {
        ["write-stock", "lua-atomic", "combining", "take-at-home"].contains { name.hasPrefix($0) }
    }
}
