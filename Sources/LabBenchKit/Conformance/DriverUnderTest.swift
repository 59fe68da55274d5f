import BenchModel
import BenchRun
import Foundation
import LabProcesses
import LockConformance
import LockDrivers
import LockStrategies
import Synchronization

/// A driver that is held to the clauses: each client of it is one process.
struct DriverUnderTest: Sendable {
    let id: StrategyID
    let lock: LockUnderTest
    /// What it says of itself.
    let summary: String
    private let book: LogBook

    /// Lines that its processes wrote to standard error.
    var log: [String] { book.lines }

    /// Servers for the look at a driver before the first clause.
    private static let serverCount = 3

    /// Reads `NAME=COMMAND`, starts the command once beside servers of its own, has it acquire a key, and
    /// ends it.
    ///
    /// - Throws: ``BenchError`` with `.badInput` when it cannot be used, and `.unreachable` without Redis.
    static func find(_ text: String) async throws(BenchError) -> DriverUnderTest {
        let named = try PlannedDriver.named(text)
        var servers: [RedisServerProcess] = []
        let result: Result<DriverUnderTest, BenchError>
        do {
            for _ in 0..<serverCount { servers.append(try await RedisServerProcess.start()) }
            let driver = try await DriverProcess.start(
                named.command, redis: servers.map(\.url), environment: ProcessInfo.processInfo.environment)
            let tellsValidity = await grantTellsValidity(driver)
            let hello = driver.hello
            if let wrong = await driver.stop() { throw wrong }
            guard let hello else { throw DriverError(.noHello, "the driver said no hello") }
            result = .success(DriverUnderTest(named.id, named.command, hello, tellsValidity: tellsValidity))
        } catch let error as DriverError {
            result = .failure(BenchError(.badInput, "--driver \(named.id): \(error)"))
        } catch {
            result = .failure(BenchError(.unreachable, "\(error)"))
        }
        for server in servers { await server.stop() }
        return try result.get()
    }

    /// Whether a grant says how long it is valid: the hello does not say so.
    private static func grantTellsValidity(_ driver: DriverProcess) async -> Bool {
        let key = "lab-conformance:first"
        let answer = try? await driver.ask(.acquire(key: key, ttlMilliseconds: 10_000, waitMilliseconds: 0))
        guard let answer, answer.result == .granted else { return false }
        _ = try? await driver.ask(.release(key: key, handle: answer.handle))
        return answer.validityMilliseconds != nil
    }

    private init(_ id: StrategyID, _ command: [String], _ hello: DriverHello, tellsValidity: Bool) {
        self.id = id
        let setting = hello.setting.map { ", \($0)" } ?? ""
        summary = "the driver of \(hello.name) \(hello.version)\(setting)"
        var abilities: Set<LockUnderTest.Ability> = [.ownProcess]
        if tellsValidity { abilities.insert(.validity) }
        if hello.has(.extend) { abilities.insert(.extend) }
        if hello.has(.fence) { abilities.insert(.fence) }
        if hello.has(.quorum) { abilities.insert(.quorum) }
        let book = LogBook()
        self.book = book
        lock = LockUnderTest(id.rawValue, abilities: abilities) { setting in
            let fleet = try await DriverFleet.start(
                command, count: 1, redis: setting.redis,
                environment: ProcessInfo.processInfo.environment.merging(setting.environment) { $1 })
            return LockClient(DriverLock(fleet)) {
                await fleet.stop()
                book.add(fleet.log)
            } kill: {
                for process in fleet.processes { await process.kill() }
            }
        }
    }
}

/// The newest lines that processes wrote.
private final class LogBook: Sendable {
    private static let most = 5_000
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock(\.self) }

    func add(_ lines: [String]) {
        kept.withLock { $0 = ($0 + lines).suffix(Self.most) }
    }
}
