public import LabProcesses
public import RedisClient
import Synchronization

/// A `lock-worker` that carries out orders, one after the other. See Tests/lock-worker/Orders.swift.
public final class ObedientWorker: Sendable {
    /// What it works on: `wall` is the control, a clock that jumps.
    public enum ClockKind: String, Sendable {
        case monotonic
        case wall
    }

    public let process: ChildProcess
    private let redis: RedisClient
    private let list: String
    private let number = Mutex(0)

    private init(_ process: ChildProcess, _ redis: RedisClient, _ list: String) {
        self.process = process
        self.redis = redis
        self.list = list
    }

    /// Starts a worker and waits until it listens.
    ///
    /// - Parameters:
    ///   - name: Of the list with its orders; unique among the workers of one server.
    ///   - urls: The stock's Redis and the lock nodes after it, separated by commas.
    ///   - redis: A connection to the stock's Redis, to give orders by.
    public static func start(
        _ name: String, strategy: String, urls: String, redis: RedisClient,
        clock: ClockKind = .monotonic, environment: [String: String]? = nil
    ) async throws -> ObedientWorker {
        let process = try await ChildProcess.start(
            try BuiltProgram.path("lock-worker"), ["obey", strategy, name, clock.rawValue, "0", urls],
            environment: environment)
        let worker = ObedientWorker(process, redis, name)
        guard await process.line(within: .seconds(60), matches: { $0 == "ready" }) != nil else {
            throw Silent(order: "start", output: process.lines())
        }
        return worker
    }

    /// Gives an order and waits for the first line of the answer.
    @discardableResult
    public func order(_ order: String) async throws -> [String] {
        let number = try await give(order)
        return try await answer(to: number) { _ in true }
    }

    /// Orders an acquire and returns when it has begun. The answer is read with ``outcome(of:)``.
    public func beginAcquire(_ key: String, timeToLive: Duration, within limit: Duration) async throws -> Int
    {
        let number = try await give(
            "acquire \(key) \(Int(timeToLive / .milliseconds(1))) \(Int(limit / .milliseconds(1)))")
        _ = try await answer(to: number) { $0 == "started" }
        return number
    }

    /// Whether the acquire has ended.
    public func hasOutcome(of acquire: Int) -> Bool {
        process.lines(of: .standardOutput).contains {
            $0.hasPrefix("\(acquire) ") && $0 != "\(acquire) started"
        }
    }

    /// The end of an acquire that was begun.
    public func outcome(of acquire: Int) async throws -> [String] {
        try await answer(to: acquire) { $0 != "started" }
    }

    private func give(_ order: String) async throws -> Int {
        let number = number.withLock { number in
            number += 1
            return number
        }
        _ = try await redis.send(RedisCommand("RPUSH", list, "\(number) \(order)"))
        return number
    }

    /// The words after the number. The limit is far above what any machine needs.
    private func answer(
        to number: Int, _ isMeant: @escaping @Sendable (String) -> Bool
    ) async throws -> [String] {
        let head = "\(number) "
        let line = await process.line(within: .seconds(120)) {
            $0.hasPrefix(head) && isMeant(String($0.dropFirst(head.count)))
        }
        guard let line else { throw Silent(order: "\(number)", output: process.lines()) }
        return line.dropFirst(head.count).split(separator: " ").map(String.init)
    }

    /// The worker did not answer, or ended.
    public struct Silent: Error, Sendable {
        public let order: String
        public let output: [String]
    }
}
