package import BenchAudit
package import BenchLoad
package import BenchModel
import Foundation
package import LabProcesses
package import LockStrategies
import NIOHTTP1

/// One `lab-server serve` child of a trial.
package struct ServerProcess: Sendable {
    /// Passwords that may wait for their turn: as many as a run may have users, because a full queue is no
    /// property of a strategy.
    private static let passwordQueue = 10_000

    package let process: ChildProcess
    package let target: LoadTarget
    /// Address of its page for Prometheus; nil where the server did not say it.
    package let metrics: LoadTarget?
    /// As shown in the report: no password, no path of this machine.
    let shownArguments: [String]?

    /// The `lab-server` next to this program, unless another one is named.
    package static func find(_ named: String?) throws(BenchError) -> String {
        if let named {
            if let path = Executable.find(named) { return path }
            throw BenchError(.unreachable, "there is no program \(named) (--server-binary)")
        }
        let own = Executable.current() ?? CommandLine.arguments[0]
        let beside = (own as NSString).deletingLastPathComponent + "/lab-server"
        if let path = Executable.find(beside) { return path }
        throw BenchError(
            .unreachable, "there is no lab-server next to lab-bench; build it, or name it by --server-binary")
    }

    /// How long a server may take to start, on a machine that has next to no time for it too.
    private static let startLimit = Duration.seconds(120)

    /// Starts the server and waits for the line that says where it listens.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - more: Further arguments.
    ///   - variables: Of its environment, beside those of this process.
    package static func start(
        _ executable: String, strategy: StrategyEntry, redis: [String], database: LedgerPlace,
        purchaseDeadline: Duration, bcryptCost: Int = RunPlan.Defaults().bcryptCost, port: Int = 0,
        more: [String] = [], variables: [String: String] = [:]
    ) async throws(BenchError) -> ServerProcess {
        let deadline = Text.plain(purchaseDeadline / .milliseconds(1))
        let fixed =
            [
                "--strategy", strategy.name, "--purchase-deadline-ms", deadline, "--dev", "--bcrypt-cost",
                String(bcryptCost), "--password-queue", String(passwordQueue), "--log-format", "json",
                "--metrics-port", "0",
            ] + more
        let places = ["--redis", redis.joined(separator: ","), "--database", database.address]
        let arguments = ["serve", "--port", String(port)] + places + fixed
        let child: ChildProcess
        do throws(LabProcessError) {
            child = try await ChildProcess.start(
                executable, arguments,
                environment: environment.merging(database.variables) { $1 }.merging(variables) { $1 })
        } catch {
            throw BenchError(.unreachable, error.description)
        }
        let announcement = "lab-server listening on "
        // A cancelled start ends at once: the server's end ends the wait.
        let line = await withTaskCancellationHandler {
            await child.line(within: startLimit) { $0.hasPrefix(announcement) }
        } onCancel: {
            child.signal(SIGKILL)
        }
        let address = line?.dropFirst(announcement.count).prefix { $0 != " " }
        guard let target = address.flatMap({ LoadTarget(naming: String($0)) }) else {
            throw await failure(child, line)
        }
        var metrics = line.flatMap { metricsTarget(in: $0) }
        if metrics == nil { metrics = await metricsTarget(inLogOf: child) }
        let urls = redis.count == 1 ? "URL" : "URL,\(redis.count - 1) NODES"
        let shown = ["serve", "--port", "0", "--redis", urls, "--database", database.shown] + fixed
        return ServerProcess(process: child, target: target, metrics: metrics, shownArguments: shown)
    }

    /// The environment of this process without the server's own variables: a trial's server runs with what
    /// the report shows, not with what somebody set for a server in production.
    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
    }

    /// The page for Prometheus has a free port too, which the line names.
    static func metricsTarget(in line: String) -> LoadTarget? {
        line.split(separator: " ").first { $0.hasPrefix("metrics=") }
            .map { $0.dropFirst("metrics=".count).replacing("/metrics", with: "") }
            .flatMap { LoadTarget(naming: String($0)) }
    }

    /// A server that is older than this bench names it in its log only.
    private static func metricsTarget(inLogOf child: ChildProcess) async -> LoadTarget? {
        let line = await child.line(of: .standardError, within: .seconds(10)) {
            $0.contains(#""event":"metrics_listening""#)
        }
        guard let line, let start = line.firstRange(of: #""port":""#)?.upperBound else { return nil }
        return LoadTarget(naming: "http://127.0.0.1:" + line[start...].prefix(while: \.isNumber))
    }

    private static func failure(_ child: ChildProcess, _ line: String?) async -> BenchError {
        let status = await child.waitUntilExit(within: .zero)
        if status == nil { await child.killNow() }
        // The last non-empty line of the server itself says why.
        let said = child.lines().last { !$0.allSatisfy(\.isWhitespace) }
        let end = status.map { "ended with \($0)" } ?? "did not say where it listens"
        return BenchError(.unreachable, "lab-server \(end)" + (said.map { ": \($0)" } ?? ""))
    }
}

extension ServerProcess: TrialService {
    var processIdentifiers: [Int32] { [process.processIdentifier] }
    var linesWritten: Int? { process.linesWritten }

    package func figures() async -> ServerFigures? {
        guard let metrics else { return nil }
        let page = try? await APIClient.with(metrics) { try await $0.send(.GET, "/metrics") }
        return page.flatMap { ServerFigures(parsing: String(decoding: $0.body, as: UTF8.self)) }
    }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        try await Shop.open(target, order, prefix: "buyer-").openShop(at: target, order)
    }

    package func stop() async -> ServiceEnd {
        let status = await process.terminate(grace: .seconds(15))
        return ServiceEnd(description: status.description, isGood: status.isSuccess)
    }
}
