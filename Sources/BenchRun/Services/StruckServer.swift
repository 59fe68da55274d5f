import BenchAudit
import BenchLoad
import BenchModel
package import FaultInjection
import Foundation
import LabProcesses
import Synchronization

/// A `lab-server` that can be stopped, killed, robbed of its power, and started again at its address.
package final class StruckServer: Sendable {
    package typealias Launch =
        @Sendable (_ port: Int, _ variables: [String: String]) async throws -> ServerProcess

    private let launch: Launch
    private let running = Mutex<ServerProcess?>(nil)
    private let disk = Mutex<DiskShim?>(nil)
    /// Of its tokens: they count after it was started again.
    private let secret = UUID().uuidString + UUID().uuidString

    /// - Parameter launch: Starts it: at a port, 0 for a free one, with these variables.
    package init(_ launch: @escaping Launch) { self.launch = launch }

    /// The newest one that was started.
    package var server: ServerProcess? { running.withLock(\.self) }

    /// Its files are on a disk that can lose its power and be full.
    package func use(_ shim: DiskShim) { disk.withLock { $0 = shim } }

    package func begin() async throws {
        var variables = disk.withLock(\.self)?.variables ?? [:]
        variables["LAB_JWT_SECRET"] = secret
        let started = try await launch(server?.target.port ?? 0, variables)
        running.withLock { $0 = started }
    }
}

extension StruckServer: TrialService {
    var processIdentifiers: [Int32] { server?.processIdentifiers ?? [] }
    var shownArguments: [String]? { server?.shownArguments }
    var linesWritten: Int? { server?.linesWritten }

    func figures() async -> ServerFigures? { await server?.figures() }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        guard let server else { throw BenchError(.unreachable, "the server was not started") }
        return try await server.openShop(order)
    }

    package func stop() async -> ServiceEnd {
        guard let server else { return ServiceEnd(description: "was not started", isGood: false) }
        return await server.stop()
    }
}

extension StruckServer: FaultVictims {
    package var count: Int { 1 }
    package func pause(_ number: Int) { server?.process.signal(SIGSTOP) }
    package func resume(_ number: Int) { server?.process.signal(SIGCONT) }
    package func kill(_ number: Int) async { await server?.process.killNow() }
    package func losePower(_ number: Int) async throws { try disk.withLock(\.self)?.cutPower() }
    package func start(_ number: Int) async throws { try await begin() }
    package func setRoom(_ bytes: Int64?) throws { try disk.withLock(\.self)?.setRoom(bytes) }
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
