import BenchAudit
import BenchLoad
import BenchModel
import FaultInjection
import Foundation
import LabProcesses
import Synchronization

/// The `lab-server` of a trial with a fault: it can be stopped, killed, and started again at its address.
final class StruckServer: Sendable {
    /// Of all servers' tokens, so that they count after a restart. Nobody but the bench reaches them.
    static let secret = UUID().uuidString + UUID().uuidString

    private let launch: @Sendable (_ port: Int) async throws -> ServerProcess
    private let running = Mutex<ServerProcess?>(nil)

    init(_ launch: @escaping @Sendable (_ port: Int) async throws -> ServerProcess) {
        self.launch = launch
    }

    private var server: ServerProcess? { running.withLock(\.self) }

    func begin() async throws {
        let started = try await launch(server?.target.port ?? 0)
        running.withLock { $0 = started }
    }
}

extension StruckServer: TrialService {
    var processIdentifier: Int32? { server?.processIdentifier }
    var shownArguments: [String]? { server?.shownArguments }
    var linesWritten: Int? { server?.linesWritten }

    func figures() async -> ServerFigures? { await server?.figures() }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        guard let server else { throw BenchError(.unreachable, "the server was not started") }
        return try await server.openShop(order)
    }

    func stop() async -> ServiceEnd {
        guard let server else { return ServiceEnd(description: "was not started", isGood: false) }
        return await server.stop()
    }
}

extension StruckServer: FaultVictims {
    var count: Int { 1 }
    func pause(_ number: Int) { server?.process.signal(SIGSTOP) }
    func resume(_ number: Int) { server?.process.signal(SIGCONT) }
    func kill(_ number: Int) async { await server?.process.killNow() }
    func losePower(_ number: Int) async throws {}
    func start(_ number: Int) async throws { try await begin() }
    func setRoom(_ bytes: Int64?) throws {}
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
