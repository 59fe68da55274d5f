import Foundation
import LabProcesses
import LabTesting
import LocksPostgres
import PostgresClient
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// The lock that a session of PostgreSQL holds, on real servers. The clauses of all strategies are in
/// `Conformance`; here is what only a lock without a lease has to promise.
@Suite(
    "A lock that a session of PostgreSQL holds",
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"), .timeLimit(.minutes(5)))
struct AdvisoryLockTests {
    static let product = ProductID(1)
    static let key = ProductKeys(product).lock

    static func lock(
        _ lab: StrategyLab, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> any LeaseLock {
        try #require(try lab.builder().lock(.pgAdvisory), sourceLocation: sourceLocation)
    }

    @Test("1, 2 · 100 tasks of two processes read, pause and write under it: nothing is lost")
    func nothingIsLost() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            // Each has sessions of its own, as two processes have.
            let locks = [try Self.lock(lab), try Self.lock(lab)]
            let counter = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<100 {
                    group.addTask {
                        for _ in 0..<3 {
                            let lease = try await locks[task % 2].granted(Self.key, within: .seconds(600))
                            let value = counter.value
                            await Task.yield()
                            counter.value = value + 1
                            #expect(try await locks[task % 2].release(lease) == .released)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(counter.value == 300)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    /// Read and written in two steps.
    private final class Counter: Sendable {
        private let state = Mutex(0)
        var value: Int {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    @Test("1 · four processes count under it: nothing is lost")
    func processes() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let worker = try await ChildProcess.start(
                            try BuiltProgram.path("lock-worker"),
                            ["count", "pg-advisory", Self.key.description, "counter", "25", lab.urls])
                        #expect(
                            await worker.waitUntilExit(within: .seconds(120)) == .exited(0),
                            "\(worker.lines())")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await lab.stock.send(RedisCommand("GET", "counter")).integer == 100)
        }
    }

    /// A process that holds the lock until it is killed.
    private func holder(_ lab: StrategyLab) async throws -> ChildProcess {
        let holder = try await ChildProcess.start(
            try BuiltProgram.path("lock-worker"),
            ["hold", "pg-advisory", Self.key.description, "1", "0", lab.urls])
        _ = try #require(
            await holder.line(within: .seconds(60)) { $0 == "held" }, "\(holder.lines())")
        return holder
    }

    @Test("15 · the holder is killed: the server hears of it, and the waiter has the lock at once")
    func killed() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let holder = try await holder(lab)
            let lock = try Self.lock(lab)
            let waiter = Task { try await lock.granted(Self.key, within: .seconds(600)) }
            try await waitUntil { try await lab.owners(of: Self.key).count == 2 }
            await holder.killNow()
            #expect(try await lock.release(waiter.value) == .released)
        }
    }

    @Test("37 · a holder that is stopped keeps the lock: it has no time to live that could end")
    func stopped() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let holder = try await holder(lab)
            holder.signal(SIGSTOP)
            let lock = try Self.lock(lab)
            // The grant's time to live was 1 ms.
            for limit in [Duration.zero, .milliseconds(400)] {
                let outcome = try await lock.acquire(
                    Self.key, timeToLive: .milliseconds(1), deadline: .now + limit)
                guard case .contended = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
            await holder.killNow()
            #expect(try await lock.release(lock.granted(Self.key)) == .released)
        }
    }

    @Test("5, 6 · who is not the holder frees nothing, and a second release frees nobody's lock")
    func ownership() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let (lock, other) = (try Self.lock(lab), try Self.lock(lab))
            let lease = try await lock.granted(Self.key)
            #expect(try await other.release(lease) == .absent)
            #expect(try await lab.owners(of: Self.key).count == 1)
            #expect(try await lock.extend(lease, timeToLive: .seconds(1)) == .extended(lease))
            #expect(try await lock.release(lease) == .released)
            let next = try await lock.granted(Self.key)
            #expect(try await lock.release(lease) == .notOwner)
            #expect(try await lock.extend(lease, timeToLive: .seconds(1)) == .notOwner)
            #expect(try await lab.owners(of: Self.key).count == 1)
            #expect(try await lock.release(next) == .released)
            #expect(try await lock.release(next) == .absent)
            #expect(try await lock.extend(next, timeToLive: .seconds(1)) == .absent)
            #expect(lease.token != next.token)
        }
    }

    @Test("8 · locks of other products, of the ledger and of other programs keep nobody waiting")
    func otherNumbers() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let database = try #require(lab.database)
            let pool = PostgresPool(database, .init(connections: 1))
            try await pool.withConnection { connection in
                // The number of the product alone; the ledger's own locks, which have two numbers.
                let taken = ["pg_advisory_lock(1)", "pg_advisory_lock(4997442, 1)", "pg_advisory_lock(0, 1)"]
                for lock in taken {
                    _ = try await connection.run(
                        [PostgresStatement(nil, "SELECT \(lock)").with()], within: .seconds(60))
                }
                let lock = try Self.lock(lab)
                var leases: [Lease] = []
                for name in [Self.key.description, "lock:stock:{2}", "lock:stock:{-1}", "a", "lock:a:{1}"] {
                    leases.append(try await lock.granted(LockKey(name), within: .zero))
                }
                for lease in leases { #expect(try await lock.release(lease) == .released) }
            }
            pool.close()
        }
    }

    @Test("18 · a wait ends at its deadline, and leaves nobody waiting in the server")
    func deadline() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let (lock, other) = (try Self.lock(lab), try Self.lock(lab))
            let lease = try await lock.granted(Self.key)
            for limit in [Duration.zero, .milliseconds(1), .milliseconds(300)] {
                let began = ContinuousClock.now
                let outcome = try await other.acquire(
                    Self.key, timeToLive: .seconds(1), deadline: began + limit)
                guard case .contended(let evidence) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(evidence.attempts == 1 && evidence.commandsSent == 0)
                #expect(evidence.waited <= began.duration(to: .now))
                #expect(try await lab.owners(of: Self.key).count == 1)
            }
            #expect(try await lock.release(lease) == .released)
            // The session that gave up is as good as new.
            #expect(try await other.release(other.granted(Self.key)) == .released)
        }
    }

    @Test("36 · waiters of one process are served in order of arrival, by one session")
    func arrivalOrder() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let sessions = try #require(lab.advisoryLocks())
            let lock = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .system)
            let first = try await lock.granted(Self.key)
            let served = Recorder<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let lease = try await lock.granted(Self.key, within: .seconds(600))
                        served.note(number)
                        #expect(try await lock.release(lease) == .released)
                    }
                    try await waitUntil { lock.waitingCount(of: Self.key) == number + 2 }
                }
                #expect(sessions.load.busy == 1, "who stands in line has no session")
                #expect(try await lock.release(first) == .released)
                try await group.waitForAll()
            }
            #expect(served.values == Array(0..<20))
            #expect(sessions.load.idle == 1 && lock.waitingCount(of: Self.key) == 0)
        }
    }
}
