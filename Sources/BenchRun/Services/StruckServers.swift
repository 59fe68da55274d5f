import BenchAudit
package import BenchLoad
import BenchModel
package import FaultInjection
import Foundation
import LabProcesses
import Synchronization

/// `lab-server`s on one ledger that can be stopped, killed, robbed of their power, and started again at their
/// addresses. Often it is one.
package final class StruckServers: Sendable {
    package typealias Launch =
        @Sendable (_ number: Int, _ port: Int, _ variables: [String: String]) async throws -> ServerProcess

    private let launch: Launch
    /// The newest that was started in each place, and the places of those that were killed.
    private struct State {
        var running: [ServerProcess?]
        var killed: Set<Int> = []
    }

    private let state: Mutex<State>
    private let disk = Mutex<DiskShim?>(nil)
    /// Of their tokens: they count at each of them, and after it was started again.
    private let secret = UUID().uuidString + UUID().uuidString

    /// - Parameter launch: Starts one: at a port, 0 for a free one, with these variables.
    package init(_ count: Int = 1, _ launch: @escaping Launch) {
        self.launch = launch
        state = Mutex(State(running: [ServerProcess?](repeating: nil, count: count)))
    }

    /// The newest ones that were started, living or not.
    package var servers: [ServerProcess] { state.withLock { $0.running.compactMap(\.self) } }

    /// Those that were not killed since.
    private var living: [ServerProcess] {
        state.withLock { state in
            state.running.enumerated().compactMap { state.killed.contains($0) ? nil : $1 }
        }
    }

    /// Where they listen, living or not.
    package var targets: [LoadTarget] { servers.map(\.target) }

    /// Their files are on a disk that can lose its power and be full.
    package func use(_ shim: DiskShim) { disk.withLock { $0 = shim } }

    /// Starts them one after the other; where one does not start, those before it are ended.
    package func begin() async throws {
        do {
            for number in 0..<count { try await start(number) }
        } catch {
            _ = await stop()
            throw error
        }
    }
}

extension StruckServers: TrialService {
    var processIdentifiers: [Int32] { living.flatMap(\.processIdentifiers) }
    /// They are started alike.
    var shownArguments: [String]? { servers.first?.shownArguments }
    var linesWritten: Int? { servers.compactMap(\.linesWritten).reduce(0, +) }

    func figures() async -> ServerFigures? { await .sum(of: servers) }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        guard let first = targets.first else {
            throw BenchError(.unreachable, "the server was not started")
        }
        return try await Shop.open(first, order, prefix: "buyer-").openShop(at: targets, order)
    }

    /// Those that were killed have ended.
    package func stop() async -> ServiceEnd {
        var ends: [ServiceEnd] = []
        for server in living { ends.append(await server.stop()) }
        let end = ends.first { !$0.isGood } ?? ends.first
        return end ?? ServiceEnd(description: "does not run", isGood: false)
    }
}

extension StruckServers: FaultVictims {
    package var count: Int { state.withLock(\.running.count) }

    private func server(_ number: Int) -> ServerProcess? { state.withLock { $0.running[number] } }

    package func pause(_ number: Int) { server(number)?.process.signal(SIGSTOP) }
    package func resume(_ number: Int) { server(number)?.process.signal(SIGCONT) }

    package func kill(_ number: Int) async {
        _ = state.withLock { $0.killed.insert(number) }
        await server(number)?.process.killNow()
    }

    package func losePower(_ number: Int) async throws { try disk.withLock(\.self)?.cutPower() }

    package func start(_ number: Int) async throws {
        var variables = disk.withLock(\.self)?.variables ?? [:]
        variables["LAB_JWT_SECRET"] = secret
        let started = try await launch(number, server(number)?.target.port ?? 0, variables)
        state.withLock { state in
            state.running[number] = started
            state.killed.remove(number)
        }
    }

    package func setRoom(_ bytes: Int64?) throws { try disk.withLock(\.self)?.setRoom(bytes) }
}

extension ServerFigures {
    /// Of all of them together; nil when one does not say.
    static func sum(of servers: [ServerProcess]) async -> ServerFigures? {
        var all: ServerFigures?
        for server in servers {
            guard let own = await server.figures() else { return nil }
            all = all?.adding(own) ?? own
        }
        return all
    }
}

extension Fault {
    /// Checks that mean nothing in a load that was broken on purpose, and why.
    var uncheckable: [String: String] {
        let why = "\(rawValue) struck in the window"
        var ids = [
            "stationary", "arrival-process", "arrival-gaps", "generator-lag", "quiet-logs",
            "redis-saw-commands",
            "redis-counted-sales", "littles-law",
        ]
        // It counts from its own start.
        if self == .killServer { ids += ["server-counted-sales", "server-counted-refusals"] }
        return Dictionary(uniqueKeysWithValues: ids.map { ($0, why) })
    }
}
