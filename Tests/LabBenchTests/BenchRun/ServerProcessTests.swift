import BenchLoad
import BenchResults
import Foundation
import LabProcesses
import Testing

@testable import BenchRun

/// The servers that a run starts.
@Suite struct ServerProcessTests {
    @Test("starts its servers with what the report shows, whatever is set for a server of somebody's own")
    func foreignSettings() async throws {
        let directory = try TemporaryDirectory()
        let settings = [
            "LAB_LOG_OUTPUT": "stdout", "LAB_LOG_LEVEL": "critical", "LAB_TLS_CERTIFICATE": "/no/such/file",
            "LAB_PER_USER_LIMIT": "1",
        ]
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"),
            [
                "run", "--no-ceilings", "--strategies", "lua-atomic", "--model", "closed", "--users", "5",
                "--rounds", "1", "--warmup", "0", "--duration", "1", "--output", directory.file("out"),
            ], environment: ProcessInfo.processInfo.environment.merging(settings) { $1 })
        let end = await child.waitUntilExit()
        let data = FileManager.default.contents(atPath: directory.file("out/results.json"))
        let found = try RunResults.decode(try #require(data, "\(end), \(child.lines())"))
        #expect(
            found.trials.contains {
                $0.checks.contains { $0.id == "server-counted-sales" && $0.state == .pass }
            })
        directory.remove()
    }

    @Test("finds the page for Prometheus in the line that says where the server listens")
    func metricsPlace() throws {
        let line = "lab-server listening on http://127.0.0.1:1 strategy=x metrics=http://[::1]:7/metrics"
        let found = try #require(ServerProcess.metricsTarget(in: line))
        #expect(found.host == "::1" && found.port == 7)
        #expect(ServerProcess.metricsTarget(in: "lab-server listening on http://127.0.0.1:1") == nil)
    }
}
