package import BenchModel
import Foundation
import LabProcesses
package import LockDrivers
package import LockStrategies

/// A driver that a run measures: the name of its strategy, its command, and what it says of itself.
package struct PlannedDriver: Sendable, Equatable {
    /// Processes of each driver in a trial: exclusion is judged between them.
    static let processCount = 2
    /// Servers for the look at a driver before a run.
    private static let serverCount = 3

    package let id: StrategyID
    package let command: [String]
    package let hello: DriverHello

    package init(_ id: StrategyID, _ command: [String], _ hello: DriverHello) {
        self.id = id
        self.command = command
        self.hello = hello
    }

    /// `NAME=COMMAND` before anything was started: with an empty hello.
    package static func named(_ text: String) throws(BenchError) -> PlannedDriver {
        let (id, command) = try parse(text)
        return PlannedDriver(id, command, DriverHello(name: "", version: ""))
    }

    /// Reads `NAME=COMMAND`, starts the command once beside servers of its own, and ends it.
    ///
    /// - Throws: ``BenchError`` with `.badInput` when it cannot be used, and `.unreachable` without Redis.
    package static func find(_ text: String) async throws(BenchError) -> PlannedDriver {
        let (id, command) = try parse(text)
        var servers: [RedisServerProcess] = []
        let result: Result<DriverHello, BenchError>
        do {
            for _ in 0..<serverCount { servers.append(try await RedisServerProcess.start()) }
            let fleet = try await DriverFleet.start(
                command, count: 1, redis: servers.map(\.url),
                environment: ProcessInfo.processInfo.environment)
            if let wrong = await fleet.stop() { throw wrong }
            result = .success(fleet.hello)
        } catch let error as DriverError {
            result = .failure(BenchError(.badInput, "--driver \(id): \(error)"))
        } catch {
            result = .failure(BenchError(.unreachable, "\(error)"))
        }
        for server in servers { await server.stop() }
        return PlannedDriver(id, command, try result.get())
    }

    static func parse(_ text: String) throws(BenchError) -> (StrategyID, [String]) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw BenchError(.badInput, "--driver must be NAME=COMMAND, not \"\(text)\"")
        }
        guard let id = StrategyID(rawValue: String(parts[0])) else {
            throw BenchError(
                .badInput,
                "a driver cannot be called \"\(parts[0])\": small letters, digits and hyphens, a letter first"
            )
        }
        do throws(DriverError) {
            let command = try CommandWords.split(String(parts[1]))
            guard command.first?.isEmpty == false else {
                throw DriverError(.notStarted, "its command is empty: name a program")
            }
            return (id, command)
        } catch {
            throw BenchError(.badInput, "--driver \(id): \(error)")
        }
    }

    /// The strategy that sells under this driver's lock.
    package var entry: StrategyEntry {
        var abilities: Set<StrategyTraits.Ability> = [.leases]
        if hello.has(.quorum) { abilities.insert(.quorum) }
        return StrategyEntry(
            id,
            traits: StrategyTraits(
                summary: "the driver of \(hello.name) \(hello.version)",
                criticalSection: "GET, then write, under the lock", abilities: abilities),
            factory: DriverFactory())
    }

    /// Starts its processes for a trial.
    ///
    /// - Parameter redis: URLs: the stock's Redis, then the lock nodes, if any.
    func start(redis: [String]) async throws(BenchError) -> DriverFleet {
        do throws(DriverError) {
            return try await DriverFleet.start(
                command, count: Self.processCount,
                redis: hello.has(.quorum) ? Array(redis.dropFirst()) : Array(redis.prefix(1)),
                environment: ProcessInfo.processInfo.environment)
        } catch {
            throw BenchError(.unexpectedAnswer, "\(error)")
        }
    }
}

/// The lock of a driver is made of its processes, which a trial starts; so a strategy that is built without
/// them has none.
private struct DriverFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(DriverNotStarted())
    }
}

private struct DriverNotStarted: LeaseLock {
    private var error: StrategyError {
        StrategyError(.unavailable, "the processes of the driver were not started")
    }

    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome { throw error }

    func extend(
        _ lease: Lease, timeToLive: Duration
    ) async throws(StrategyError) -> ExtendOutcome { throw error }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome { throw error }
}
