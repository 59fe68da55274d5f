import BenchResults
import Foundation
import LabProcesses
import LabTesting
import Testing

/// What lab-bench keeps of a run must not grow with its length.
@Suite("The memory of lab-bench", .serialized, .timeLimit(.minutes(10)))
struct MemoryTests {
    /// The most that a run of so many seconds ever had in memory, in MiB. Linux.
    private func peak(seconds: Double) async throws -> Double {
        let directory = try TemporaryDirectory()
        let tests = try #require(Executable.current())
        let child = try await ChildProcess.start(
            (tests as NSString).deletingLastPathComponent + "/lab-bench",
            [
                "run", "--no-ceilings", "--strategies", "lua-atomic", "--model", "closed", "--users", "50",
                "--rounds", "1", "--warmup", "0", "--duration", "\(seconds)", "--output",
                directory.file("out"),
            ])
        var most = 0.0
        // The last value before the end: the kernel keeps the maximum itself.
        try await waitUntil(limit: .seconds(500)) {
            most = max(most, highWater(child.processIdentifier) ?? 0)
            return !child.isRunning
        }
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        let results = try RunResults.decode(json)
        #expect(results.trials.first?.audit.rows ?? 0 > 0)
        directory.remove()
        return most
    }

    private func highWater(_ pid: Int32) -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/status") else { return nil }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("VmHWM:")
        }
        return line?.split(separator: " ").dropLast().last.flatMap { Double($0.filter(\.isNumber)) }.map {
            $0 / 1024
        }
    }

    @Test("is the same after 4 s as after 1 s, but for what an allocator keeps")
    func short() async throws {
        let (one, four) = (try await peak(seconds: 1), try await peak(seconds: 4))
        #expect(one > 0)
        #expect(four <= one * 1.25 + 8, "\(one) MiB, then \(four) MiB")
    }

    @Test(
        "is the same after 100 s as after 10 s", .enabled(if: isLong, "LAB_LONG_TESTS=1 runs it"))
    func long() async throws {
        let (ten, hundred) = (try await peak(seconds: 10), try await peak(seconds: 100))
        #expect(hundred <= ten * 1.15 + 8, "\(ten) MiB, then \(hundred) MiB")
    }
}
