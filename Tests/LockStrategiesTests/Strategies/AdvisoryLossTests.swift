import FaultInjection
import LabProcesses
import LabTesting
import LocksPostgres
import PostgresClient
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// What becomes of the lock when its session, its server or a reply is lost, or when its caller is cancelled.
@Suite(
    "A lock that a session of PostgreSQL loses",
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"), .timeLimit(.minutes(5)))
struct AdvisoryLossTests {
    private static let product = AdvisoryLockTests.product
    private static let key = AdvisoryLockTests.key

    /// Ends the session that holds the lock, and returns when it is gone.
    private static func terminate(_ lab: StrategyLab) async throws {
        let owners = try await lab.owners(of: key)
        let pool = PostgresPool(try #require(lab.database), .init(connections: 1))
        for owner in owners {
            let end = PostgresStatement(nil, "SELECT pg_terminate_backend($1::int, 60000)")
            #expect(try await pool.run(end.with(.text(owner)))[0].rows[0].flag(0))
        }
        pool.close()
        #expect(owners.count == 1)
    }

    /// The strategy behind a hook that sees each command before it is sent.
    private static func strategy(
        _ lab: StrategyLab, before hook: @escaping HookedPort<RedisClient>.Hook
    ) throws -> any LockStrategy {
        try StrategyBuilder(
            stock: HookedPort(lab.stock, before: hook), lockNodes: [], clock: ContinuousClock(),
            advisoryLocks: lab.advisoryLocks()
        ).strategy(.pgAdvisory)
    }

    @Test(
        "9 · the session is ended under the section: nothing is written, and the loss is told",
        arguments: ["read-stock", "write-stock"])
    func terminated(step: String) async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            try await lab.setStock(10, of: Self.product)
            let strikes = Mutex(1)
            let strategy = try Self.strategy(lab) { name in
                guard name == step, strikes.withLock({ $0 }) > 0 else { return }
                strikes.withLock { $0 -= 1 }
                do { try await Self.terminate(lab) } catch { Issue.record(error) }
            }
            let error = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: Self.product))
            }
            #expect(error?.code == .leaseLost)
            #expect(error?.context.contains("the session that held lock:stock:{1} ended") == true)
            #expect(error?.evidence.lostLeases == 1)
            #expect(try await lab.readStock(Self.product) == 10)
            #expect(try await lab.openReservations(Self.product) == (0, 0))
            #expect(try await strategy.reserve(lab.reservation(of: Self.product)).isReserved)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("37 · somebody who got the lock meanwhile is not written over")
    func nextHolder() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            try await lab.setStock(10, of: Self.product)
            let strikes = Mutex(1)
            let rival = try lab.builder().strategy(.pgAdvisory)
            let late = try Self.strategy(lab) { name in
                guard name == "write-stock", strikes.withLock({ $0 }) > 0 else { return }
                strikes.withLock { $0 -= 1 }
                do {
                    try await Self.terminate(lab)
                    // Not under the permit of the one whose session was ended.
                    let bought = Task.detached {
                        try await rival.reserve(lab.reservation(of: Self.product, quantity: 4))
                    }
                    #expect(try await bought.value.isReserved)
                } catch {
                    Issue.record(error)
                }
            }
            await #expect(throws: StrategyError.self) {
                try await late.reserve(lab.reservation(of: Self.product, quantity: 3))
            }
            #expect(try await lab.readStock(Self.product) == 6)
            #expect(try await lab.openReservations(Self.product) == (4, 1))
        }
    }

    @Test("23, 42 · the session ends behind the write: the buyer has the units, and the loss is counted")
    func lostBehindTheWrite() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let sessions = try #require(lab.advisoryLocks())
            let lock = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .system)
            let lease = try await lock.granted(Self.key)
            #expect(lock.isHeld(lease))
            try await Self.terminate(lab)
            #expect(!lock.isHeld(lease))
            #expect(try await lock.extend(lease, timeToLive: .seconds(1)) == .absent)
            #expect(try await lock.release(lease) == .absent)
            #expect(sessions.load.busy == 0 && sessions.load.idle == 0)
        }
    }

    @Test("42 · a write without a reply keeps the lock for the time to live, and then the session ends")
    func abandoned() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            let (lock, other) = (try AdvisoryLockTests.lock(lab), try AdvisoryLockTests.lock(lab))
            let lease = try await lock.granted(Self.key, timeToLive: .seconds(2))
            let began = ContinuousClock.now
            await lock.abandon(lease)
            // Who waits in the same process is not held up by the line, but by the lock.
            let next = try await lock.granted(Self.key, within: .seconds(600))
            #expect(began.duration(to: .now) >= .seconds(2))
            #expect(try await lock.release(next) == .released)
            #expect(try await other.release(other.granted(Self.key)) == .released)
            #expect(try await lock.release(lease) == .absent)
        }
    }

    enum Place: String, Sendable, CaseIterable {
        case line
        case server
        case session
    }

    @Test(
        "19 · cancelled in the line, in the server's queue or before a session is free: prompt, no lock remains"
    )
    func cancelled() async throws {
        for place in Place.allCases {
            try await StrategyLab.run(for: .pgAdvisory) { lab in
                let database = try #require(lab.database)
                let few = PostgresAdvisoryLocks(
                    database, .init(sessions: 1, connect: .seconds(60), answer: .seconds(600)))
                let lock = AdvisoryLock(sessions: few, clock: ContinuousClock(), random: .system)
                let other = try AdvisoryLockTests.lock(lab)
                let mine = place != .server
                let held = place == .session ? ProductKeys(ProductID(2)).lock : Self.key
                let lease = try await (mine ? lock : other).granted(held)
                let waiter = Task {
                    try await lock.acquire(Self.key, timeToLive: .seconds(1), deadline: .now + .seconds(600))
                }
                switch place {
                case .line: try await waitUntil { lock.waitingCount(of: Self.key) == 2 }
                case .server: try await waitUntil { try await lab.owners(of: Self.key).count == 2 }
                case .session: try await waitUntil { few.load.waiting == 1 }
                }
                waiter.cancel()
                let error = await #expect(throws: StrategyError.self) { try await waiter.value }
                #expect(error?.code == .cancelled, "\(place)")
                #expect(try await (mine ? lock : other).release(lease) == .released)
                try await waitUntil { try await lab.owners(of: Self.key) == [] }
                #expect(lock.waitingCount(of: Self.key) == 0)
                // Whatever became of the session, there is one again.
                #expect(try await lock.release(lock.granted(Self.key)) == .released)
                few.close()
            }
        }
    }

    @Test(
        "19 · cancelled at any moment of a purchase: no session holds the lock, and stock and records agree")
    func cancelledAtAnyMoment() async throws {
        try await StrategyLab.run(for: .pgAdvisory) { lab in
            try await lab.setStock(1_000, of: Self.product)
            let strategy = try lab.builder().strategy(.pgAdvisory)
            _ = try await strategy.reserve(lab.reservation(of: Self.product))
            for step in 0..<40 {
                let reservation = lab.reservation(of: Self.product, within: .seconds(600))
                let buyer = Task { try await strategy.reserve(reservation) }
                for _ in 0..<step { await Task.yield() }
                buyer.cancel()
                do {
                    _ = try await buyer.value
                } catch let error as StrategyError {
                    #expect(error.code == .cancelled, "\(error)")
                }
                try await waitUntil { try await lab.owners(of: Self.key) == [] }
                let open = try await lab.openReservations(Self.product).units
                #expect(try await lab.readStock(Self.product) == 1_000 - open)
            }
            #expect(try await strategy.reserve(lab.reservation(of: Self.product)).isReserved)
        }
    }

    @Test("20 · the reply to the unlock is lost: the session is ended, and the next one gets the lock")
    func unlockUnanswered() async throws {
        try await withPostgresServer(PostgresServerOptions(syncsToDisk: false)) { server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let direct = try PostgresEndpoint(parsing: server.url())
            let there = try PostgresEndpoint(
                parsing: server.url().replacing(":\(server.port)/", with: ":\(proxy.port)/"))
            let settings = PostgresAdvisoryLocks.Settings(connect: .seconds(60), answer: .seconds(1))
            let (sessions, others) = (
                PostgresAdvisoryLocks(there, settings), PostgresAdvisoryLocks(direct, settings)
            )
            let lock = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .system)
            let other = AdvisoryLock(sessions: others, clock: ContinuousClock(), random: .system)
            let lease = try await lock.granted(Self.key)
            proxy.set(.swallowCommands)
            let error = await #expect(throws: StrategyError.self) { try await lock.release(lease) }
            #expect(error?.code == .outcomeUnknown)
            #expect(sessions.load.busy == 0 && sessions.load.idle == 0, "the session is of no more use")
            proxy.set(.pass)
            let next = try await other.granted(Self.key, within: .seconds(600))
            #expect(try await other.release(next) == .released)
            #expect(try await lock.release(lock.granted(Self.key)) == .released)
            sessions.close()
            others.close()
            await proxy.stop()
        }
    }

    @Test(
        "28 · PostgreSQL hangs, or is gone: an error in bounded time, never contended, and it goes on afterwards"
    )
    func serverFails() async throws {
        try await withPostgresServer(PostgresServerOptions(syncsToDisk: false)) { server in
            let settings = PostgresAdvisoryLocks.Settings(connect: .seconds(1), answer: .seconds(1))
            let sessions = PostgresAdvisoryLocks(try PostgresEndpoint(parsing: server.url()), settings)
            let lock = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .system)
            func fails(_ what: String) async {
                let error = await #expect(throws: StrategyError.self, "\(what)") {
                    try await lock.acquire(Self.key, timeToLive: .seconds(1), deadline: .now + .seconds(1))
                }
                #expect(error?.code == .lockUnavailable, "\(what): \(String(describing: error))")
                #expect(lock.waitingCount(of: Self.key) == 0)
            }
            let lease = try await lock.granted(Self.key)
            server.pause()
            let release = await #expect(throws: StrategyError.self) { try await lock.release(lease) }
            #expect(release?.code == .outcomeUnknown)
            await fails("it hangs")
            server.resume()
            #expect(try await lock.release(lock.granted(Self.key, within: .seconds(60))) == .released)
            await server.kill()
            await fails("it was killed")
            await fails("it is not there")
            try await server.restart()
            #expect(try await lock.release(lock.granted(Self.key, within: .seconds(60))) == .released)
            sessions.close()
        }
    }
}
