import Foundation
public import LabProcesses
public import RedisClient
import Synchronization

/// The Redis servers of one try, and what stands between them and who buys, set up so that one fault can
/// strike.
public final class FaultStage: Sendable {
    /// Independent lock nodes, where a strategy needs them.
    public static let nodeCount = 5

    public let fault: Fault
    /// Holds the stock, and the locks of strategies that need one node only.
    public let stock: RedisServerProcess
    public let nodes: [RedisServerProcess]
    /// Between buyers and the stock's Redis, then the lock nodes; empty: they are connected to them.
    let proxies: [FaultProxy]
    let replica: Replica?
    let clock: ClockShim?
    let disk: DiskShim?
    /// The ledger of several servers. Who opened the stage ends it.
    let postgres: PostgresServerProcess?
    /// Between the first of several servers and PostgreSQL.
    let ledgerProxy: FaultProxy?
    /// The replica has taken the place of the stock's Redis.
    private let hasFailedOver = Mutex(false)
    /// The disk of Redis; kept as long as its server.
    private let folder: TemporaryDirectory?

    /// A second Redis that follows the first one, through a link that can be cut.
    struct Replica: Sendable {
        let server: RedisServerProcess
        let link: FaultProxy
    }

    private init(
        _ fault: Fault, stock: RedisServerProcess, nodes: [RedisServerProcess], proxies: [FaultProxy],
        replica: Replica?, clock: ClockShim?, disk: DiskShim?, folder: TemporaryDirectory?,
        postgres: PostgresServerProcess?, ledgerProxy: FaultProxy?
    ) {
        self.postgres = postgres
        self.ledgerProxy = ledgerProxy
        self.fault = fault
        self.stock = stock
        self.nodes = nodes
        self.proxies = proxies
        self.replica = replica
        self.clock = clock
        self.disk = disk
        self.folder = folder
    }

    /// For the command line of who buys: the stock's URL, then those of the lock nodes.
    public var urls: [String] {
        ([stock] + nodes).enumerated().map { place, server in
            place < proxies.count ? "redis://127.0.0.1:\(proxies[place].port)" : server.url
        }
    }

    /// For the command line of one of several servers. What strikes connections strikes those of the first
    /// server alone; all of them follow a Redis that moves to another place.
    package func urls(ofServer number: Int) -> [String] {
        number == 0 || fault == .failoverLostWrite ? urls : ([stock] + nodes).map(\.url)
    }

    /// Where one of several servers finds PostgreSQL on this machine; nil: the stage has none.
    package func ledgerPort(ofServer number: Int) -> Int? {
        guard number == 0, let ledgerProxy else { return postgres?.port }
        return ledgerProxy.port
    }

    /// Where the stock is now, past the proxy.
    public var stockEndpoint: RedisEndpoint {
        let hasFailedOver = hasFailedOver.withLock(\.self)
        return hasFailedOver ? replica?.server.endpoint ?? stock.endpoint : stock.endpoint
    }

    func noteFailover() { hasFailedOver.withLock { $0 = true } }
}

extension FaultStage {
    /// Starts what the fault needs.
    ///
    /// - Parameters:
    ///   - needsNodes: The strategy asks lock nodes.
    ///   - usual: What Redis keeps, unless the fault is about that.
    /// - Throws: ``ShimNotBuilt`` and ``LabProcessError``; nothing is left running then.
    public static func open(
        _ fault: Fault, needsNodes: Bool, usual: RedisServerOptions.Persistence = .aofAlways
    ) async throws -> FaultStage {
        try await open(fault, needsNodes: needsNodes, usual: usual, postgres: nil)
    }

    /// The same for servers whose ledger is on PostgreSQL.
    ///
    /// - Parameter postgres: Stays with the caller, who ends it after ``close()``.
    package static func open(
        _ fault: Fault, needsNodes: Bool, usual: RedisServerOptions.Persistence = .aofAlways,
        postgres: PostgresServerProcess?
    ) async throws -> FaultStage {
        let clock = fault == .clockJump ? try await ClockShim.build() : nil
        var options = RedisServerOptions(persistence: fault.persistence(usual))
        var folder: TemporaryDirectory?
        var disk: DiskShim?
        if fault == .powerCut {
            let place = try TemporaryDirectory(prefix: "lab-disk")
            let shim = try await DiskShim.build(folder: place.path)
            options.variables = shim.variables
            (folder, disk) = (place, shim)
        }
        // The clock that jumps is that of a Redis that holds locks: one of the nodes, where there are nodes.
        if let clock, !needsNodes { options.variables = clock.variables }
        var servers: [RedisServerProcess] = []
        var proxies: [FaultProxy] = []
        do {
            let stock = try await RedisServerProcess.start(options, directory: folder?.path)
            servers.append(stock)
            for number in 0..<(needsNodes ? nodeCount : 0) {
                let variables = number == 0 ? clock?.variables ?? [:] : [:]
                servers.append(try await RedisServerProcess.start(RedisServerOptions(variables: variables)))
            }
            let nodes = Array(servers.dropFirst())
            for server in needsProxy(fault) ? servers : [] {
                proxies.append(try await FaultProxy.start(upstreamPort: server.port))
            }
            let between = proxies
            var ledgerProxy: FaultProxy?
            if fault == .cutPostgres, let postgres {
                let proxy = try await FaultProxy.start(upstreamPort: postgres.port)
                proxies.append(proxy)
                ledgerProxy = proxy
            }
            var replica: Replica?
            if fault == .failoverLostWrite {
                let link = try await FaultProxy.start(upstreamPort: stock.port)
                proxies.append(link)
                let server = try await RedisServerProcess.start(
                    RedisServerOptions(
                        // It takes the place of the other one, and keeps as much.
                        persistence: fault.persistence(usual),
                        arguments: [
                            "--replicaof", "127.0.0.1 \(link.port)", "--repl-diskless-sync-delay", "0",
                        ]))
                servers.append(server)
                replica = Replica(server: server, link: link)
                try await waitUntilLinked(server)
            }
            return FaultStage(
                fault, stock: stock, nodes: nodes, proxies: between, replica: replica, clock: clock,
                disk: disk, folder: folder, postgres: postgres, ledgerProxy: ledgerProxy)
        } catch {
            for proxy in proxies { await proxy.stop() }
            for server in servers { await server.stop() }
            throw error
        }
    }

    /// Ends everything, whatever state the fault left it in.
    public func close() async {
        for proxy in proxies { await proxy.stop() }
        await replica?.link.stop()
        await ledgerProxy?.stop()
        postgres?.resume()
        for server in [stock] + nodes + (replica.map { [$0.server] } ?? []) {
            server.resume()
            await server.stop()
        }
    }

    private static func needsProxy(_ fault: Fault) -> Bool {
        switch fault {
        case .delay, .jitter, .replyLost, .reset, .halfOpen, .failoverLostWrite: true
        default: false
        }
    }

    /// Until the replica has everything.
    private static func waitUntilLinked(_ server: RedisServerProcess) async throws {
        let client = RedisClient(server.endpoint, limits: .init(connect: .seconds(5), command: .seconds(5)))
        for _ in 0..<600 {
            let info = try? await client.send(RedisCommand("INFO", "replication")).string
            if info?.contains("master_link_status:up") == true {
                await client.close()
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        await client.close()
        throw LabProcessError(.notReady, "the replica did not follow its master within 30 s")
    }
}

extension Fault {
    /// What Redis keeps, so that the fault is what its name says.
    public func persistence(_ usual: RedisServerOptions.Persistence) -> RedisServerOptions.Persistence {
        switch self {
        case .killRedisEmpty: .none
        case .killRedisAOF: .aofAlways
        case .powerCut: .aofEverySecond
        default: usual
        }
    }
}
