import Foundation
import LabProcesses
import Testing

@testable import LabBenchKit

@Suite("lab-bench selftest", .timeLimit(.minutes(5)))
struct SelfTestCommandTests {
    private func run(_ arguments: [String]) async throws -> ChildProcess {
        let tests = try #require(Executable.current())
        let child = try await ChildProcess.start(
            (tests as NSString).deletingLastPathComponent + "/lab-bench", ["selftest"] + arguments)
        _ = await child.waitUntilExit()
        return child
    }

    /// A busy machine makes findings wrong, and then the command has to say so.
    @Test("finds every figure, and ends with 3 exactly when one of them is not what it must be")
    func short() async throws {
        let child = try await run(["--window", "0.5", "--json"])
        let status = await child.waitUntilExit()
        let json = child.lines(of: .standardOutput).joined()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let findings = try decoder.decode([SelfTest.Finding].self, from: Data(json.utf8))
        #expect(findings.count == 18)
        let wrong = findings.count { $0.isRight == false }
        #expect(status == .exited(wrong == 0 ? 0 : 3), "\(findings)")
        // Deterministic whatever the machine does: a stall can be hidden, but not an overload.
        let overload = findings.first { $0.what.hasPrefix("open, 5/s on one connection") }
        #expect(overload?.value.hasPrefix("rate not sustained") == true)
        let rival = try #require(findings.last)
        #expect(rival.what.hasPrefix("generator against wrk"))
        #expect((rival.isRight == nil) == !WrkRival.isInstalled)
    }

    @Test(
        "asks the percentile that can hide the stall",
        arguments: [(0.0056, 99.0), (0.01, 99), (0.0139, 98), (0.111, 87), (0.2, 78)])
    func hidingPercentile(stalled: Double, percentile: Double) {
        #expect(SelfTest.hidingPercentile(stalled: stalled) == percentile)
        #expect(percentile / 100 <= 1 - stalled)
    }

    @Test("refuses a window that shows nothing")
    func usage() async throws {
        let child = try await run(["--window", "0.1"])
        #expect(await child.waitUntilExit() == .exited(64))
    }

    @Test("reads the rate that wrk prints, and nothing where it prints none")
    func rate() {
        let lines = [
            "Running 2s test @ http://127.0.0.1:1/", "Requests/sec:  12345.67", "Transfer/sec: 1.2MB",
        ]
        #expect(WrkRival.rate(in: lines) == 12345.67)
        #expect(WrkRival.rate(in: ["unable to connect"]) == nil)
    }
}
