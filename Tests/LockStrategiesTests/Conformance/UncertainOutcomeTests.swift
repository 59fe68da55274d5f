import FaultInjection
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Uncertain outcomes")
struct UncertainOutcomeTests {
    @Test(
        "25 · decrement applied, reply lost, same reservation id again: stock falls once",
        arguments: StrategyLab.lockFree)
    func replyLost(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let port = lab.server.port
            let product = ProductID(1)
            try await lab.setStock(1_000, of: product)
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let strategy = try StrategyBuilder(
                stock: RedisClient(
                    RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: StrategyLab.patient),
                lockNodes: [], clock: ContinuousClock()
            ).strategy(id)
            // Redis knows the scripts from now on, those of every bucket.
            for _ in 0..<40 { _ = try await strategy.reserve(lab.reservation(of: product)) }
            var stock = 960
            var wasApplied = false
            // The reply that decides is not the first one of every strategy, nor does each come in one piece:
            // which cut meets it is chance, so it is looked for until it was met.
            for attempt in 0..<60 where attempt < 10 || !wasApplied {
                let replies = attempt % 10
                let reservation = lab.reservation(of: product, quantity: 2)
                proxy.set(.cutReply(after: replies))
                let code = await errorCode { () throws(StrategyError) in
                    _ = try await strategy.reserve(reservation)
                }
                proxy.set(.pass)
                let isApplied = try await lab.readStock(product) == stock - 2
                // Nothing but "outcome unknown" may be said of what was applied.
                #expect(code == nil || code == .outcomeUnknown || !isApplied, "\(replies) replies")
                wasApplied = wasApplied || (isApplied && code == .outcomeUnknown)
                let again = try await strategy.reserve(reservation)
                #expect(again.isReserved)
                stock -= 2
                #expect(try await lab.readStock(product) == stock, "after \(replies) replies")
            }
            #expect(wasApplied, "no reply that decided was cut")
            await proxy.stop()
        }
    }

    @Test(
        "24 · SET applied, reply lost: the acquire takes its key back",
        arguments: StrategyLab.leases.filter { !$0.needsLockNodes })
    func grantLost(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let port = lab.server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: StrategyLab.patient)
            let lock = try #require(
                try StrategyBuilder(stock: client, lockNodes: [], clock: ContinuousClock()).lock(id))
            // Redis knows the scripts from now on: the reply that is cut is that of the grant.
            let warm = try await lock.granted(LockKey("lock:b"))
            _ = try await lock.release(warm)
            proxy.set(.cutNextReply)
            let error = await #expect(throws: StrategyError.self) {
                try await lock.granted(LockKey("lock:a"), timeToLive: .seconds(600))
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(try await lab.owners(of: LockKey("lock:a")) == [])
            await proxy.stop()
        }
    }

    @Test(
        "26 · scripts flushed, or a new server, between calls: the purchase goes on",
        arguments: StrategyLab.real)
    func scriptsForgotten(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            _ = try await strategy.reserve(lab.reservation(of: product))
            for server in lab.lockServers + [lab.stock] {
                _ = try await server.send(RedisCommand("SCRIPT", "FLUSH"))
            }
            let second = try await strategy.reserve(lab.reservation(of: product))
            #expect(second.isReserved)
            #expect(try await lab.readStock(product) == 8)
            await lab.server.kill()
            try await lab.server.restart()
            let looker = RedisClient(lab.server.endpoint, limits: StrategyLab.patient)
            let pool = ProductStock(looker, layout: id.traits.stockLayout)
            #expect(try await pool.initialise(product, units: 5))
            let third = try await strategy.reserve(lab.reservation(of: product))
            #expect(third.isReserved)
            #expect(try await pool.read(product) == 4)
            await looker.close()
        }
    }

    @Test(
        "27 · a missing stock is not zero, and a stock that is no number is not sold",
        arguments: StrategyLab.inRedis)
    func stockUnknown(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let strategy = try lab.builder().strategy(id)
            let missing = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: ProductID(1)))
            }
            #expect(missing?.code == .notStocked)
            for text in ["many", "", "1.5", "10 "] {
                let product = ProductID(2)
                try await lab.setStock(0, of: product)
                _ = try await lab.stock.send(RedisCommand("SET", ProductKeys(product).stock, text))
                let invalid = await #expect(throws: StrategyError.self) {
                    try await strategy.reserve(lab.reservation(of: product))
                }
                #expect(invalid?.code == .invalidStock, "\(text)")
                #expect(
                    try await lab.stock.send(RedisCommand("GET", ProductKeys(product).stock)).string == text)
                #expect(try await lab.openReservations(product) == (0, 0))
            }
        }
    }

    @Test(
        "27 · quantities at the boundary: 0 and below, the whole stock, one more",
        arguments: StrategyLab.inRedis)
    func boundary(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            let strategy = try lab.builder().strategy(id)
            try await lab.setStock(5, of: product)
            for quantity in [0, -1, Int.min] {
                let error = await #expect(throws: StrategyError.self) {
                    try await strategy.reserve(lab.reservation(of: product, quantity: quantity))
                }
                #expect(error?.code == .invalidRequest)
            }
            for quantity in [6, Int.max] {
                let outcome = try await strategy.reserve(lab.reservation(of: product, quantity: quantity))
                #expect(outcome.decision == .soldOut(remaining: 5))
            }
            let all = try await strategy.reserve(lab.reservation(of: product, quantity: 5))
            #expect(all.isReserved)
            let none = try await strategy.reserve(lab.reservation(of: product))
            #expect(none.decision == .soldOut(remaining: 0))
            #expect(try await lab.readStock(product) == 0)
        }
    }

    @Test(
        "28 · Redis refuses writes, hangs or is gone: an error, never contended and never sold out",
        arguments: StrategyLab.real)
    func redisFails(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let strategy = try lab.builder().strategy(id)
            _ = try await strategy.reserve(lab.reservation(of: product))

            _ = try await lab.stock.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
            let refused = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: product))
            }
            #expect(refused?.code == .refused)
            _ = try await lab.stock.send(RedisCommand("CONFIG", "SET", "maxmemory", "0"))

            // From here on a limit has to pass, so it is a short one.
            let limits = RedisClient.Limits(connect: .seconds(1), command: .seconds(1))
            let impatient = try lab.builder(limits: limits).strategy(id)
            lab.server.pause()
            let hanging = await #expect(throws: StrategyError.self) {
                try await impatient.reserve(lab.reservation(of: product))
            }
            // Timed out: where the machine was too slow to send anything within the limit.
            #expect([.outcomeUnknown, .unavailable, .timedOut].contains(hanging?.code))
            lab.server.resume()

            await lab.server.kill()
            let gone = await #expect(throws: StrategyError.self) {
                try await impatient.reserve(lab.reservation(of: product))
            }
            #expect([.outcomeUnknown, .unavailable].contains(gone?.code))
        }
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func errorCode(_ body: () async throws(StrategyError) -> Void) async -> StrategyError.Code? {
    do throws(StrategyError) {
        try await body()
        return nil
    } catch {
        return error.code
    }
}
