import Foundation
import LabProcesses
import Testing

@Suite("lab-bench drivers check", .serialized, .timeLimit(.minutes(3)))
struct DriversCommandTests {
    private func run(
        _ arguments: [String]
    ) async throws -> (end: LabProcesses.ExitStatus, output: [String], errors: [String]) {
        let mark = ProcessMark()
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["drivers", "check"] + arguments,
            environment: mark.environment)
        let end = await child.waitUntilExit()
        #expect(await mark.left == [])
        return (end, child.lines(of: .standardOutput), child.lines(of: .standardError))
    }

    @Test("ends with 0 for the driver of docs/DRIVERS.md, and shows what the pipe costs")
    func right() async throws {
        let folder = try TemporaryDirectory()
        let (end, output, errors) = try await run(["python3", try DriverPage.write(to: folder)])
        #expect(end == .exited(0), "\(errors)")
        #expect(output.last == "the driver can be used")
        #expect(output.contains { $0.contains("µs an operation with 100 requests open") })
        let quiet = try await run(["--quiet", "python3", folder.file("driver.py")])
        #expect(quiet.end == .exited(0) && quiet.output == [] && quiet.errors == [])
    }

    @Test(
        "ends with 64 and one sentence for a faulty one",
        arguments: [
            (["python3", DriverPage.faulty, "garbage"], "Traceback"),
            (["python3", DriverPage.faulty, "twice"], "answered request 1 twice"),
            (["--", "no-such-driver"], "there is no program no-such-driver"),
            (["/dev/null"], "there is no program /dev/null"),
            (["true"], "ended with exit code 0 before its hello"),
        ])
    func faulty(arguments: [String], sentence: String) async throws {
        let (end, output, errors) = try await run(["--redis", "redis://127.0.0.1:1"] + arguments)
        #expect(end == .exited(64))
        #expect(errors.count == 1 && errors[0].hasPrefix("lab-bench: the driver "), "\(errors)")
        #expect(errors.first?.contains(sentence) == true, "\(errors)")
        #expect(!output.contains { $0.contains("can be used") })
    }

    @Test("says what it is when it is asked")
    func help() async throws {
        let (end, output, _) = try await run(["--help"])
        #expect(end == .exited(0))
        #expect(output.joined().contains("python3 my_driver.py"))
    }
}
