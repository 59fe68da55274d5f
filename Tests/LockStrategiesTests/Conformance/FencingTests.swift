import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@Suite("Fencing and the stalled holder")
struct FencingTests {
    @Test(
        "37 · a holder stopped past its TTL, another buys, the first goes on: refused or shown as a violation",
        arguments: StrategyLab.leases)
    func stalledHolder(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let other = try lab.builder().strategy(id)
            let hasStalled = Atomic(false)
            // The holder's clock stands still, as that of a stopped process: its look at the clock passes.
            let stalled = try stallable(id, lab) { name in
                guard name.hasPrefix("write-stock"), !hasStalled.exchange(true, ordering: .relaxed) else {
                    return
                }
                // Ends when the first holder's lock has expired, with one unit sold.
                _ = try? await other.reserve(lab.reservation(of: product))
            }
            let result = await outcome(of: stalled, lab.reservation(of: product))
            let stock = Int(try await lab.readStock(product) ?? 0)
            let open = try await lab.openReservations(product)
            if id.traits.abilities.contains(.stallSafety) {
                #expect(result.failure?.code == .leaseLost)
                #expect(result.failure?.evidence.refusedWrites == 1)
                #expect((stock, open.units) == (9, 1))
            } else {
                // Two sold from one stock: the violation that the lab must be able to show.
                #expect(open.units == 2)
                #expect(stock == 9)
            }
        }
    }

    @Test("38 · fences rise strictly with each grant", arguments: StrategyLab.fenced)
    func rises(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let other = try #require(try lab.builder().lock(id))
            var last = Fence(0)
            for round in 0..<50 {
                let lease = try await (round % 2 == 0 ? lock : other).granted(LockKey("lock:a"))
                let fence = try #require(lease.fence)
                #expect(fence > last)
                last = fence
                _ = try await lock.release(lease)
            }
            #expect(try await lab.stock.send(RedisCommand("DBSIZE")).integer == 1, "one key a lock")
        }
    }

    @Test(
        "38 · fences go on above all that were granted when Redis comes back empty",
        arguments: StrategyLab.fenced)
    func survivesAnEmptyRedis(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            let key = ProductKeys(product).lock
            let recorded = Mutex<Fence?>(nil)
            let origin = FenceOrigin { lock throws(StrategyError) in
                ProductKeys.product(of: lock) == product ? recorded.withLock { $0 } : nil
            }
            let lock = try #require(
                try StrategyBuilder(
                    stock: lab.stock, lockNodes: [], clock: ContinuousClock(), fences: origin
                ).lock(id))
            var granted: [Fence] = []
            for round in 0..<6 {
                let lease = try await lock.granted(key)
                let fence = try #require(lease.fence)
                granted.append(fence)
                // Only the first of three becomes a purchase that the ledger sees.
                if round % 3 == 0 { recorded.withLock { $0 = fence } }
                _ = try await lock.release(lease)
                if round % 3 == 2 { _ = try await lab.stock.send(RedisCommand("FLUSHALL")) }
            }
            #expect(granted == granted.sorted())
            #expect(Set(granted).count == granted.count)
            let late = try await lock.granted(key)
            #expect(try #require(late.fence) > granted[5])
        }
    }

    @Test(
        "the fence of a lock shares the lock's hash tag",
        arguments: [
            ("lock:stock:{7}", "fence:{7}"), ("a", "fence:{a}"), ("재고", "fence:{재고}"), ("{a}:b", "fence:{a}"),
            ("x{y}z{w}", "fence:{y}"),
        ])
    func fenceKeys(name: String, fence: String) async throws {
        let port = ScriptedRedis { _ throws(RedisError) in .integer(1) }
        let lock = try #require(
            try StrategyBuilder(stock: port, lockNodes: [], clock: ContinuousClock()).lock(.fenced))
        _ = try await lock.granted(LockKey(name))
        guard case .script(_, let keys, _) = try #require(port.calls.first) else {
            Issue.record("no script: \(port.calls)")
            return
        }
        #expect(keys == [name, fence])
    }
}

/// The strategy on a clock that stands still, with a time to live of 50 ms on the servers.
private func stallable(
    _ id: StrategyEntry, _ lab: StrategyLab, before hook: @escaping HookedPort<RedisClient>.Hook
) throws -> any LockStrategy {
    func port(_ server: RedisServerProcess) -> HookedPort<RedisClient> {
        HookedPort(RedisClient(server.endpoint, limits: StrategyLab.patient), before: hook)
    }
    return try StrategyBuilder(
        stock: port(lab.server), lockNodes: lab.nodes.map { LockNode(name: $0.url, redis: port($0)) },
        clock: SkippingClock(), settings: StrategySettings(leaseTimeToLive: .milliseconds(50))
    ).strategy(id)
}

private func outcome(
    of strategy: some LockStrategy, _ reservation: Reservation
) async -> Result<ReserveOutcome, StrategyError> {
    do throws(StrategyError) {
        return .success(try await strategy.reserve(reservation))
    } catch {
        return .failure(error)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
