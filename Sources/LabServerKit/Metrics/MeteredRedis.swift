import LockStrategies
import RedisClient

/// A Redis whose answers are counted. Costs two looks at the clock a command.
struct MeteredRedis: RedisPort {
    let base: RedisClient
    let role: RedisMeter.Role
    let meter: RedisMeter

    init(_ base: RedisClient, as role: RedisMeter.Role, _ meter: RedisMeter) {
        self.base = base
        self.role = role
        self.meter = meter
    }

    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        try await metered { () async throws(RedisError) in try await base.send(command) }
    }

    func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        try await metered { () async throws(RedisError) in
            try await base.run(script, keys: keys, arguments: arguments)
        }
    }

    func transaction<Abandoned: Sendable>(
        watching keys: [String], reading reads: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        try await metered { () async throws(RedisError) in
            try await base.transaction(watching: keys, reading: reads, decide: decide)
        }
    }

    /// A subscription is no question with an answer: its time says nothing, its failure does.
    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        do throws(RedisError) {
            return try await base.subscribe(to: channel, onEvent: onEvent)
        } catch {
            meter.failed(role, error.code)
            throw error
        }
    }

    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await base.finishing(calls)
    }

    private func metered<Value>(
        _ ask: () async throws(RedisError) -> Value
    ) async throws(RedisError) -> Value {
        let start = ContinuousClock.now
        do throws(RedisError) {
            let value = try await ask()
            meter.answered(role, in: start.duration(to: .now))
            return value
        } catch {
            meter.failed(role, error.code)
            throw error
        }
    }
}
