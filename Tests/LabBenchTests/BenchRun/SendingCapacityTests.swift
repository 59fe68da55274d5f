import LabProcesses
import LabTesting
import Testing

@testable import BenchRun

@Suite("The rate that this machine can send as asked", .serialized, .timeLimit(.minutes(10)))
struct SendingCapacityTests {
    @Test("is above what nobody could miss and below what nobody can send")
    func bounds() async throws {
        let capacity = SendingCapacity()
        // A machine that stands still for a moment may miss it once, not five times.
        var isKept = false
        for _ in 0..<5 where !isKept { isKept = try await capacity.keeps(20) }
        #expect(isKept)
        #expect(try await !capacity.keeps(5_000_000))
    }

    @Test("is said with two digits, rounded down", arguments: [(9.9, 9.0), (123.9, 120), (45_678, 45_000)])
    func short(rate: Double, said: Double) {
        #expect(SendingCapacity.short(rate) == said)
    }

    @Test("is looked at before a run begins: a higher one is refused with 64, and the highest is offered")
    func refused() async throws {
        let directory = try TemporaryDirectory()
        let tests = try #require(Executable.current())
        let program = tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/lab-bench"
        let child = try await ChildProcess.start(
            program,
            [
                "run", "--strategies", "lua-atomic", "--model", "poisson", "--rate", "200000", "--users", "2",
                "--output", directory.file("out"),
            ])
        #expect(await child.waitUntilExit() == .exited(64), "\(child.lines())")
        let said = child.lines(of: .standardError)
        #expect(said.count == 1)
        #expect(said.first?.contains("cannot send 200,000 purchases/s") == true, "\(said)")
        #expect(said.first?.contains("take --rate ") == true, "\(said)")
        directory.remove()
    }
}
