import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// A lock in the Redis of the stock carries the read with the grant, and the release with the write. New by
/// that: a write refused while the release rides with it, a lost reply of either, a grant lost between.
@Suite("The section that a lock carries", .timeLimit(.minutes(10)))
struct CarriedSectionTests {
    private static let product = ProductID(1)
    private static let key = ProductKeys(product).lock

    /// What a purchase fails with; nil when it does not.
    private static func failure(
        of strategy: some LockStrategy, _ reservation: Reservation
    ) async -> StrategyError? {
        do throws(StrategyError) {
            _ = try await strategy.reserve(reservation)
            return nil
        } catch {
            return error
        }
    }

    /// A strategy with a lease of ten minutes, which notes what it sends and lets a test act before it.
    private static func strategy(
        _ id: StrategyEntry, _ lab: StrategyLab, noting sent: Recorder<String>,
        before act: @escaping @Sendable (String) async -> Void = { _ in }
    ) throws -> any LockStrategy {
        let port = HookedPort(RedisClient(lab.server.endpoint, limits: StrategyLab.patient)) { name in
            sent.note(name)
            await act(name)
        }
        return try StrategyBuilder(
            stock: port, lockNodes: [], clock: ContinuousClock(),
            settings: StrategySettings(leaseTimeToLive: .seconds(600))
        ).strategy(id)
    }

    @Test(
        "42 · a purchase is two commands, one that is refused for lack of units too",
        arguments: StrategyLab.carrying)
    func twoCommands(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let sent = Recorder<String>()
            let strategy = try Self.strategy(id, lab, noting: sent)
            try await lab.setStock(10, of: Self.product)
            // Scripts are known from now on; a fence is too.
            _ = try await strategy.reserve(lab.reservation(of: Self.product))
            _ = try await strategy.reserve(lab.reservation(of: Self.product, quantity: 50))
            let before = sent.values.count
            let reservation = lab.reservation(of: Self.product)
            let sold = try await strategy.reserve(reservation)
            #expect(sold.isReserved && sold.evidence.commandsSent == 2)
            let again = try await strategy.reserve(reservation)
            #expect(again.isReserved && again.evidence.commandsSent == 2)
            let refused = try await strategy.reserve(lab.reservation(of: Self.product, quantity: 50))
            #expect(refused.decision == .soldOut(remaining: 8) && refused.evidence.commandsSent == 2)
            let names = sent.values.dropFirst(before).map { $0.split(separator: "+").map(String.init) }
            #expect(names.map(\.count) == [2, 2, 2, 1, 2, 1])
            #expect(names[0].last == "read-stock" && names[1][0].hasPrefix("write-stock"))
            #expect(try await lab.readStock(Self.product) == 8)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("5, 42 · a write that is refused gives the lock back all the same", arguments: StrategyLab.carrying)
    func refusedWrite(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let hasStepped = Atomic(false)
            let strategy = try Self.strategy(id, lab, noting: Recorder()) { name in
                guard name.hasPrefix("write-stock"), !hasStepped.exchange(true, ordering: .relaxed) else {
                    return
                }
                // The stock is filled anew between the read and the write.
                _ = try? await lab.pool.fill(
                    Self.product, units: 5, as: StockEpoch(origin: "", number: 1))
            }
            try await lab.setStock(10, of: Self.product)
            let error = await Self.failure(of: strategy, lab.reservation(of: Self.product))
            #expect(error?.code == .stockReplaced)
            #expect(error?.evidence.lostLeases == 0)
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(try await lab.readStock(Self.product) == 5)
            // The lock was given back by the refused write itself, not by its end in ten minutes.
            let next = try await strategy.reserve(lab.reservation(of: Self.product))
            #expect(next.isReserved)
        }
    }

    @Test(
        "5, 42 · a grant that is lost before the write is told, and the next holder's lock is left alone",
        arguments: StrategyLab.carrying)
    func lostGrant(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let strategy = try Self.strategy(id, lab, noting: Recorder()) { name in
                guard name.hasPrefix("write-stock") else { return }
                _ = try? await lab.stock.send(RedisCommand("SET", Self.key.description, "somebody"))
            }
            try await lab.setStock(10, of: Self.product)
            let evidence = try await strategy.reserve(lab.reservation(of: Self.product)).evidence
            #expect(evidence.lostLeases == 1 && evidence.failedReleases == 0)
            #expect(try await lab.owners(of: Self.key) == ["somebody"])
        }
    }

    @Test(
        "24 · grant and read carried out, reply lost: the key is taken back", arguments: StrategyLab.carrying)
    func grantUnseen(id: StrategyEntry) async throws {
        try await Self.throughProxy(id) { lab, strategy, proxy async throws in
            proxy.set(.cutNextReply)
            let error = await Self.failure(of: strategy, lab.reservation(of: Self.product))
            #expect(error?.code == .outcomeUnknown)
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(try await lab.readStock(Self.product) == 9)
        }
    }

    @Test(
        "24, 42 · write and release carried out, reply lost: unknown is said, and the lock is free",
        arguments: StrategyLab.carrying)
    func writeUnseen(id: StrategyEntry) async throws {
        try await Self.throughProxy(id) { lab, strategy, proxy async throws in
            proxy.set(.cutReply(after: 1))
            let error = await Self.failure(of: strategy, lab.reservation(of: Self.product))
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.evidence.failedReleases == 1)
            #expect(try await lab.readStock(Self.product) == 8)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    /// A strategy that has bought one of ten units through a proxy, so that every script is known.
    private static func throughProxy(
        _ id: StrategyEntry,
        _ body: (StrategyLab, any LockStrategy, FaultProxy) async throws -> Void
    ) async throws {
        try await StrategyLab.run(for: id) { lab in
            let port = lab.server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: StrategyLab.patient)
            let strategy = try StrategyBuilder(
                stock: client, lockNodes: [], clock: ContinuousClock(),
                settings: StrategySettings(leaseTimeToLive: .seconds(600))
            ).strategy(id)
            try await lab.setStock(10, of: product)
            _ = try await strategy.reserve(lab.reservation(of: product))
            try await body(lab, strategy, proxy)
            await client.close()
            await proxy.stop()
        }
    }

    @Test(
        "28 · a read that fails beside its grant leaves no lock, and says what is wrong",
        arguments: StrategyLab.carrying)
    func failedRead(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let strategy = try Self.strategy(id, lab, noting: Recorder())
            _ = try await lab.stock.send(RedisCommand("HSET", ProductKeys(Self.product).stock, "a", "b"))
            let error = await Self.failure(of: strategy, lab.reservation(of: Self.product))
            #expect(error?.code == .refused)
            #expect(error?.underlying?.reply?.prefix == "WRONGTYPE")
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    /// A Redis that grants a stock of five, and answers the write as told.
    private static func scripted(
        _ write: @escaping @Sendable () throws(RedisError) -> RESPValue
    ) -> ScriptedRedis {
        ScriptedRedis { call throws(RedisError) in
            if call.name.hasPrefix("write-stock") { return try write() }
            guard call.isAcquire else { return .integer(1) }
            let text = { (text: String) in RESPValue.bulkString(Array(text.utf8)) }
            return .array([.integer(1), .array([text("5"), .null, text("")])])
        }
    }

    @Test(
        "42 · write and release without a reply: the lock is not given back, it may still be under way",
        arguments: StrategyLab.carrying)
    func writeUnderWay(id: StrategyEntry) async throws {
        let redis = Self.scripted { () throws(RedisError) in throw RedisError(.outcomeUnknown, "no reply") }
        let strategy = try StrategyBuilder(stock: redis, lockNodes: [], clock: ContinuousClock()).strategy(id)
        let reservation = Reservation(
            id: ReservationID(random: .system), product: Self.product, quantity: 1,
            deadline: .now + .seconds(600))
        let error = await Self.failure(of: strategy, reservation)
        #expect(error?.code == .outcomeUnknown)
        #expect(error?.evidence.failedReleases == 1)
        #expect(redis.calls.count == 2)
    }

    @Test(
        "20 · a release that fails behind its write is made up for, and the units are sold",
        arguments: StrategyLab.carrying)
    func failedRelease(id: StrategyEntry) async throws {
        let redis = Self.scripted { () throws(RedisError) in
            .array([.array([.integer(1), .integer(4)]), .null])
        }
        let strategy = try StrategyBuilder(stock: redis, lockNodes: [], clock: ContinuousClock()).strategy(id)
        let reservation = Reservation(
            id: ReservationID(random: .system), product: Self.product, quantity: 1,
            deadline: .now + .seconds(600))
        let sold = try await strategy.reserve(reservation)
        #expect(sold.isReserved)
        #expect(sold.evidence.commandsSent == 3 && sold.evidence.failedReleases == 0)
        #expect(redis.calls.last?.name.hasPrefix("release-") == true)
    }

    @Test("a lock of another package goes the general way: acquire, read, write, release")
    func foreignLock() async throws {
        try await StrategyLab.run(for: .setnxSpin) { lab in
            let sent = Recorder<String>()
            let strategy = try Self.strategy(.foreign, lab, noting: sent)
            try await lab.setStock(10, of: Self.product)
            let sold = try await strategy.reserve(lab.reservation(of: Self.product))
            #expect(sold.isReserved)
            #expect(sent.values == ["SET", "read-stock", "write-stock", "EVAL"])
        }
    }
}
