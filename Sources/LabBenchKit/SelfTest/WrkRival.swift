import BenchLoad
import BenchModel
import LabProcesses

/// The load generator that the field knows, beside ours.
enum WrkRival {
    /// Requests per second of both, one right after the other.
    struct Turn: Sendable, Equatable {
        let ours: Double
        let wrk: Double
    }

    static var isInstalled: Bool { Executable.find("wrk") != nil }

    static func turn(at target: LoadTarget, window: Duration) async throws -> Turn {
        let buyers = target.buyers(of: [1], tokens: [String](repeating: "none", count: 100))
        let (_, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let plan = LoadPlan(warmup: .milliseconds(200), duration: window, drain: .seconds(5))
        let record = try await LoadGenerator.run(target, buyers, plan, progress: progress)
        let seconds = max(Int(window / .seconds(1)), 1)
        let child = try await ChildProcess.start(
            "wrk", ["-t1", "-c100", "-d\(seconds)s", "http://\(target.authority)/"])
        guard await child.waitUntilExit(within: window + .seconds(60)) != nil else {
            await child.killNow()
            throw BenchError(.unexpectedAnswer, "wrk did not end")
        }
        guard let rate = rate(in: child.lines(of: .standardOutput)) else {
            throw BenchError(.unexpectedAnswer, "wrk printed no rate: \(child.lines().last ?? "-")")
        }
        return Turn(ours: record.purchasesPerSecond, wrk: rate)
    }

    /// Reads the rate in the line `Requests/sec:  12345.67`.
    static func rate(in lines: [String]) -> Double? {
        let line = lines.first { $0.hasPrefix("Requests/sec:") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }
}
