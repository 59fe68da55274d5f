import Foundation
import LabProcesses
import RedisClient

/// Who buys while a fault strikes, as processes that can be struck.
public protocol FaultVictims: Sendable {
    /// How many there are.
    var count: Int { get }
    /// Stops the time of one (SIGSTOP).
    func pause(_ number: Int)
    func resume(_ number: Int)
    /// SIGKILL.
    func kill(_ number: Int) async
    /// Takes from its disk what it has not synced; it was killed before. Nothing is done for one without a
    /// disk.
    func losePower(_ number: Int) async throws
    /// In the place of one that was killed; returns when it works.
    func start(_ number: Int) async throws
    /// The room on its disk; nil: any.
    func setRoom(_ bytes: Int64?) throws
}

/// What a fault needs to know of the load that it strikes.
public struct FaultTiming: Sendable {
    /// How long a fault lasts that has a length of its own.
    public var lasts: Duration
    /// Of the locks.
    public var lease: Duration
    /// How long a process that buys is stopped. They are stopped one after the other as long as the fault
    /// lasts, one at least.
    public var stop: Duration

    public init(lasts: Duration, lease: Duration, stop: Duration) {
        self.lasts = lasts
        self.lease = lease
        self.stop = stop
    }
}

extension FaultStage {
    /// Breaks something, waits, and heals it.
    ///
    /// - Parameter random: Decides whom it strikes, and when within the fault.
    public func strike(
        _ victims: some FaultVictims, _ timing: FaultTiming, random: inout some RandomNumberGenerator
    ) async throws {
        let lasts = timing.lasts
        switch fault {
        case .none, .slowHolder: try await Task.sleep(for: lasts)
        case .pauseBuyer: try await pauseBuyers(victims, timing, &random)
        case .killBuyer, .killServer:
            let victim = Int.random(in: 0..<victims.count, using: &random)
            await victims.kill(victim)
            try await Task.sleep(for: lasts)
            try await victims.start(victim)
        case .loseServer:
            await victims.kill(Int.random(in: 0..<victims.count, using: &random))
            try await Task.sleep(for: lasts)
        case .pauseRedis: try await pause(stock, for: lasts)
        case .killRedisAOF, .killRedisEmpty: try await kill([stock], for: lasts)
        case .failoverLostWrite: try await failOver(lasts)
        case .delay:
            try await through(lasts, .delayReplies(from: .milliseconds(20), upTo: .milliseconds(20)))
        case .jitter: try await through(lasts, .delayReplies(from: .zero, upTo: .milliseconds(60)))
        case .replyLost: try await through(lasts, .cutReplies(sparing: 3))
        case .halfOpen: try await through(lasts, .swallowCommands)
        case .reset:
            try await again(lasts, every: .milliseconds(70)) {
                for proxy in self.proxies { proxy.sendResets() }
            }
        case .nodeDown:
            try await kill([nodes[Int.random(in: 0..<nodes.count, using: &random)]], for: lasts)
        case .nodeHang:
            try await pause(nodes[Int.random(in: 0..<nodes.count, using: &random)], for: lasts)
        case .nodesDownMajority:
            let some = nodes.shuffled(using: &random).prefix(nodes.count / 2 + 1)
            try await kill(Array(some), for: lasts)
        case .nodeEmptyRestart: try await restartEmpty(timing, &random)
        case .clockJump: try await jumpClock(timing)
        case .powerCut: try await cutPower(victims, lasts)
        case .scriptFlush:
            try await with(stock.endpoint) { client in
                try await self.again(lasts, every: .milliseconds(100)) {
                    _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
                }
            }
        case .outOfMemory:
            try await set(
                lasts, RedisCommand("CONFIG", "SET", "maxmemory", "1"),
                back: RedisCommand("CONFIG", "SET", "maxmemory", "0"))
        case .readOnly:
            // Of a master that nobody can reach: it keeps what it has.
            try await set(
                lasts, RedisCommand("REPLICAOF", "127.0.0.1", "1"),
                back: RedisCommand("REPLICAOF", "NO", "ONE"))
        case .diskFull:
            try victims.setRoom(0)
            try await Task.sleep(for: lasts)
            try victims.setRoom(nil)
        case .cutPostgres, .pausePostgres, .killBackend, .killPostgres: try await strikePostgres(lasts)
        }
    }
}

extension FaultStage {
    private func strikePostgres(_ lasts: Duration) async throws {
        guard let postgres else { return }
        switch fault {
        case .cutPostgres:
            ledgerProxy?.set(.swallowCommands)
            defer { ledgerProxy?.heal() }
            try await Task.sleep(for: lasts)
        case .pausePostgres:
            postgres.pause()
            // Also when the run is cut short: it does not stay stopped.
            defer { postgres.resume() }
            try await Task.sleep(for: lasts)
        case .killBackend:
            try await again(lasts, every: .seconds(1)) { postgres.killBackend() }
        default:
            await postgres.kill()
            try await Task.sleep(for: lasts)
            try await postgres.restart()
        }
    }

    private func pauseBuyers(
        _ victims: some FaultVictims, _ timing: FaultTiming, _ random: inout some RandomNumberGenerator
    ) async throws {
        let turns = max(1, Int(timing.lasts / timing.stop))
        for turn in 0..<turns {
            let victim = Int.random(in: 0..<victims.count, using: &random)
            victims.pause(victim)
            // Also when the run is cut short: nobody stays stopped.
            defer { victims.resume(victim) }
            try await Task.sleep(for: timing.stop)
            victims.resume(victim)
            if turn + 1 < turns { try await Task.sleep(for: .milliseconds(60)) }
        }
    }

    private func pause(_ server: RedisServerProcess, for time: Duration) async throws {
        server.pause()
        defer { server.resume() }
        try await Task.sleep(for: time)
    }

    private func kill(_ servers: [RedisServerProcess], for time: Duration) async throws {
        for server in servers { await server.kill() }
        try await Task.sleep(for: time)
        for server in servers { try await server.restart() }
    }

    /// The replica is cut off, the master dies a little later, and the replica takes its place.
    private func failOver(_ lasts: Duration) async throws {
        guard let replica, let proxy = proxies.first else { return }
        replica.link.set(.refuse)
        replica.link.reset()
        try await Task.sleep(for: lasts / 2)
        await stock.kill()
        try await with(replica.server.endpoint) { client in
            _ = try await client.send(RedisCommand("REPLICAOF", "NO", "ONE"))
        }
        noteFailover()
        proxy.redirect(toPort: replica.server.port)
        try await Task.sleep(for: lasts / 2)
    }

    private func through(_ lasts: Duration, _ mode: FaultProxy.Mode) async throws {
        for proxy in proxies { proxy.set(mode) }
        defer { for proxy in proxies { proxy.heal() } }
        try await Task.sleep(for: lasts)
    }

    private func again(
        _ lasts: Duration, every pause: Duration, _ step: () async throws -> Void
    ) async throws {
        let end = ContinuousClock.now + lasts
        while ContinuousClock.now < end {
            try await step()
            try await Task.sleep(for: pause)
        }
    }

    /// A lock is held by a bare majority, one of which forgets it while the others come back.
    private func restartEmpty(
        _ timing: FaultTiming, _ random: inout some RandomNumberGenerator
    ) async throws {
        let end = ContinuousClock.now + timing.lasts
        repeat {
            let order = nodes.shuffled(using: &random)
            for node in order.prefix(2) { await node.kill() }
            // Longer than a lease: what is held now was granted by the other three.
            try await Task.sleep(for: timing.lease + .milliseconds(Int.random(in: 100...300, using: &random)))
            await order[2].kill()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in order.prefix(3) { group.addTask { try await node.restart() } }
                try await group.waitForAll()
            }
            try await Task.sleep(for: .milliseconds(150))
        } while ContinuousClock.now < end
    }

    private func jumpClock(_ timing: FaultTiming) async throws {
        guard let clock else { return }
        var ahead: Int64 = 0
        let jump = Int64(timing.lease / .milliseconds(1)) + 200
        try await again(timing.lasts, every: .milliseconds(70)) {
            ahead += jump
            try clock.jump(toMilliseconds: ahead)
        }
    }

    /// All machines lose their power at the same time.
    private func cutPower(_ victims: some FaultVictims, _ lasts: Duration) async throws {
        await stock.kill()
        for number in 0..<victims.count {
            await victims.kill(number)
            try await victims.losePower(number)
        }
        try disk?.cutPower()
        try await Task.sleep(for: lasts)
        try await stock.restart()
        for number in 0..<victims.count { try await victims.start(number) }
    }

    private func set(_ lasts: Duration, _ command: RedisCommand, back: RedisCommand) async throws {
        try await with(stock.endpoint) { client in
            _ = try await client.send(command)
            try await Task.sleep(for: lasts)
            _ = try await client.send(back)
        }
    }

    private func with(
        _ endpoint: RedisEndpoint, _ body: (RedisClient) async throws -> Void
    ) async throws {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(2), command: .seconds(5)))
        do {
            try await body(client)
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }
}
