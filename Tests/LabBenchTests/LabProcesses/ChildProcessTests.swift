import Foundation
import LabProcesses
import Testing

@Suite("A child process", .timeLimit(.minutes(10)))
struct ChildProcessTests {
    @Test("ends with its own exit code", arguments: [0, 1, 42] as [Int32])
    func exitCode(code: Int32) async throws {
        let child = try await ChildProcess.start("sh", ["-c", "exit \(code)"])
        #expect(await child.waitUntilExit() == .exited(code))
        #expect(!child.isRunning)
    }

    @Test("has all of its output when its end is seen, also a last line without newline")
    func output() async throws {
        let child = try await ChildProcess.start("sh", ["-c", "echo one; echo two >&2; printf three"])
        await child.waitUntilExit()
        #expect(child.lines(of: .standardOutput) == ["one", "three"])
        #expect(child.lines(of: .standardError) == ["two"])
    }

    @Test("keeps only the newest lines of a lot of output")
    func muchOutput() async throws {
        let child = try await ChildProcess.start("sh", ["-c", "seq 1 100000"])
        await child.waitUntilExit()
        #expect(child.lines().last == "100000")
        #expect(child.lines().count <= 400)
    }

    @Test("answers a line that was written before anybody asked, and one that comes later")
    func lines() async throws {
        let child = try await ChildProcess.start("sh", ["-c", "echo first; read x; sleep 100"])
        #expect(await child.line(within: .seconds(20)) { $0 == "first" } == "first")
        #expect(await child.line(within: .seconds(20)) { $0 == "first" } == "first")
        await child.killNow()
        #expect(await child.line(within: .seconds(20)) { $0 == "never" } == nil)
    }

    @Test("stops waiting for a line at the limit")
    func lineLimit() async throws {
        let child = try await ChildProcess.start("sleep", ["100"])
        #expect(await child.line(within: .milliseconds(1)) { _ in true } == nil)
        #expect(await child.waitUntilExit(within: .milliseconds(1)) == nil)
        #expect(await child.killNow() == .signalled(SIGKILL))
    }

    @Test("ends by SIGTERM when it can")
    func terminate() async throws {
        let child = try await ChildProcess.start("sleep", ["100"])
        #expect(await child.terminate() == .signalled(SIGTERM))
    }

    @Test("is killed when it does not listen to SIGTERM")
    func stubborn() async throws {
        let child = try await ChildProcess.start(
            "sh", ["-c", "trap '' TERM; echo on; while :; do sleep 1; done"])
        _ = await child.line(within: .seconds(20)) { $0 == "on" }
        #expect(await child.terminate(grace: .milliseconds(1)) == .signalled(SIGKILL))
    }

    @Test("ends by SIGTERM also while it is stopped")
    func stopped() async throws {
        let child = try await ChildProcess.start("sleep", ["100"])
        child.signal(SIGSTOP)
        #expect(await child.terminate() == .signalled(SIGTERM))
    }

    @Test("is stopped by a cancelled task too")
    func cancelled() async throws {
        let child = try await ChildProcess.start("sleep", ["100"])
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await child.terminate()
        }
        #expect(await task.value == .signalled(SIGTERM))
    }

    @Test("leads a process group of its own and can be interrupted even if we ignore SIGINT")
    func group() async throws {
        Foundation.signal(SIGUSR1, SIG_IGN)
        let child = try await ChildProcess.start("sleep", ["100"])
        #expect(getpgid(child.processIdentifier) == child.processIdentifier)
        child.signal(SIGUSR1)
        #expect(await child.waitUntilExit() == .signalled(SIGUSR1))
    }

    @Test("inherits no open file but its outputs")
    func descriptors() async throws {
        let open = FileHandle(forReadingAtPath: "/proc/self/status")
        let child = try await ChildProcess.start("ls", ["/proc/self/fd"])
        await child.waitUntilExit()
        withExtendedLifetime(open) {
            // 3 is the directory that ls reads.
            #expect(child.lines(of: .standardOutput) == ["0", "1", "2", "3"])
        }
    }

    @Test("says which program is missing", arguments: ["no-such-program-here", "/no/such/program", "/tmp"])
    func missing(program: String) async {
        let error = await #expect(throws: LabProcessError.self) {
            _ = try await ChildProcess.start(program)
        }
        #expect(error?.code == .executableMissing)
        #expect(error?.description == "there is no program \(program)")
    }

    @Test("ignores signals after its end")
    func lateSignal() async throws {
        let child = try await ChildProcess.start("true")
        await child.waitUntilExit()
        child.signal(SIGKILL)
        #expect(await child.terminate() == .exited(0))
    }
}
