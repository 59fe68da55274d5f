import LockStrategies

/// A client of the lock, whose calls end in bounded time and are written down.
final class SceneClient: Sendable {
    let name: String
    private let client: LockClient
    private let trace: Trace

    /// A call may take so long, beside what it was told to wait; the driver protocol gives 10 s.
    static let patience = Duration.seconds(12)
    /// What counts as bounded time, beside what it was told to wait: a little less than a hang of the
    /// driver protocol.
    static let bound = Duration.milliseconds(9_500)

    init(_ name: String, _ client: LockClient, _ trace: Trace) {
        self.name = name
        self.client = client
        self.trace = trace
    }

    /// - Parameter wait: Zero is one try.
    func acquire(
        _ key: String, ttl: Duration = Scene.long, wait: Duration = .zero, isNoted: Bool = true
    ) async -> Reply<Acquired> {
        let lock = client.lock
        let asked = ContinuousClock.now
        let reply = await within(wait + Self.patience) { () async throws(StrategyError) -> Acquired in
            switch try await lock.acquire(LockKey(key), timeToLive: ttl, deadline: asked + wait) {
            case .granted(let lease, _): .granted(Held(lease: lease, asked: asked, arrived: .now))
            case .contended: .contended
            }
        }
        if isNoted {
            let until = wait > .zero ? ", wait \(Words.time(wait))" : ""
            trace.add(
                name, "acquire \"\(key)\", ttl \(Words.time(ttl))\(until)", reply.words, from: asked,
                until: .now)
        }
        return reply
    }

    func release(_ held: Held, _ key: String, isNoted: Bool = true) async -> Reply<ReleaseOutcome> {
        await release(held.lease, key, isNoted: isNoted)
    }

    func release(_ lease: Lease, _ key: String, isNoted: Bool = true) async -> Reply<ReleaseOutcome> {
        let lock = client.lock
        let asked = ContinuousClock.now
        let reply = await within(Self.patience) { () async throws(StrategyError) in
            try await lock.release(lease)
        }
        if isNoted { trace.add(name, "release \"\(key)\"", reply.words, from: asked, until: .now) }
        return reply
    }

    func extend(_ held: Held, _ key: String, ttl: Duration) async -> Reply<ExtendOutcome> {
        let lock = client.lock
        let asked = ContinuousClock.now
        let reply = await within(Self.patience) { () async throws(StrategyError) in
            try await lock.extend(held.lease, timeToLive: ttl)
        }
        trace.add(
            name, "extend \"\(key)\", ttl \(Words.time(ttl))", reply.words, from: asked, until: .now)
        return reply
    }

    /// Ends it at once.
    func kill() async {
        await client.kill()
        trace.add("bench", "\(name) is killed")
    }

    private func within<Value: Sendable>(
        _ limit: Duration, _ call: @escaping @Sendable () async throws(StrategyError) -> Value
    ) async -> Reply<Value> {
        let reply: Reply<Value>? = await FirstAnswer.within(limit) {
            do throws(StrategyError) {
                return .said(try await call())
            } catch {
                return .failed(error)
            }
        }
        return reply ?? .silent(limit)
    }
}
