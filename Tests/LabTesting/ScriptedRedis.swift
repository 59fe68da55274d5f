public import LockStrategies
public import RedisClient
import Synchronization

/// A Redis whose answers a test writes; it notes what it was asked.
public final class ScriptedRedis: RedisPort {
    public enum Call: Sendable, Hashable {
        case command([String])
        case script(name: String, keys: [String], arguments: [String])

        /// The command's name or the script's.
        public var name: String {
            switch self {
            case .command(let words): words[0]
            case .script(let name, _, _): name
            }
        }
    }

    public typealias Answer = @Sendable (Call) async throws(RedisError) -> RESPValue
    /// Gets the watched keys and the reads; answers with a reply for each read.
    public typealias Read =
        @Sendable ([String], [RedisCommand]) async throws(RedisError) -> [RESPValue]
    /// Gets the commands between MULTI and EXEC; nil is a conflict.
    public typealias Commit = @Sendable ([RedisCommand]) async throws(RedisError) -> [RESPValue]?
    /// Gets the channel; an error refuses the subscription.
    public typealias Subscribe = @Sendable (String) async throws(RedisError) -> Void
    private typealias Handler = @Sendable (RedisSubscriptionEvent) -> Void

    private struct State {
        var calls: [Call] = []
        var nextSubscriber = 0
        var subscribers: [Int: (channel: String, handler: Handler)] = [:]
    }

    private let state = Mutex(State())
    private let answer: Answer
    private let read: Read
    private let commit: Commit
    private let subscribe: Subscribe

    /// - Parameters:
    ///   - read: First half of a transaction; without it transactions are unavailable.
    ///   - commit: Second half of a transaction.
    ///   - subscribe: Asked before each subscription; without it all succeed.
    public init(
        read: @escaping Read = { _, _ throws(RedisError) in
            throw RedisError(.unavailable, "this test has no transactions")
        },
        commit: @escaping Commit = { _ throws(RedisError) in
            throw RedisError(.unavailable, "this test has no transactions")
        },
        subscribe: @escaping Subscribe = { _ throws(RedisError) in },
        answer: @escaping Answer
    ) {
        self.read = read
        self.commit = commit
        self.subscribe = subscribe
        self.answer = answer
    }

    /// A transaction is noted as WATCH with its keys, its reads, then EXEC before its commands, or UNWATCH; a
    /// subscription as SUBSCRIBE and UNSUBSCRIBE with its channel.
    public var calls: [Call] { state.withLock { $0.calls } }

    /// The channels that somebody listens to now, one entry a subscription, sorted.
    public var subscriptions: [String] { state.withLock { $0.subscribers.values.map(\.channel).sorted() } }

    /// Tells everybody who listens to `channel`, before it returns.
    public func tell(_ event: RedisSubscriptionEvent, on channel: String) {
        let handlers = state.withLock { state in
            state.subscribers.sorted { $0.key < $1.key }.filter { $0.value.channel == channel }.map(
                \.value.handler)
        }
        for handler in handlers { handler(event) }
    }

    public func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        try await reply(to: .command(command.arguments))
    }

    public func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        let value = try await reply(to: .script(name: script.name, keys: keys, arguments: arguments))
        return RedisScriptReply(value: value, commandsSent: 1)
    }

    public func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        note([["WATCH"] + keys] + reading.map(\.arguments))
        switch decide(try await read(keys, reading)) {
        case .abandon(let reason):
            note([["UNWATCH"]])
            return .abandoned(reason)
        case .commit(let commands):
            note([["EXEC"]] + commands.map(\.arguments))
            guard let replies = try await commit(commands) else { return .conflict }
            return .committed(replies)
        }
    }

    public func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        note([["SUBSCRIBE", channel]])
        try await subscribe(channel)
        let id = state.withLock { state in
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = (channel, onEvent)
            return state.nextSubscriber
        }
        return RedisSubscription { [self] in
            let wasOpen = state.withLock { $0.subscribers.removeValue(forKey: id) != nil }
            if wasOpen { note([["UNSUBSCRIBE", channel]]) }
        }
    }

    /// A scripted server is never left alone.
    public func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await calls()
    }

    private func reply(to call: Call) async throws(RedisError) -> RESPValue {
        state.withLock { $0.calls.append(call) }
        return try await answer(call)
    }

    private func note(_ commands: [[String]]) {
        state.withLock { $0.calls += commands.map { .command($0) } }
    }
}
