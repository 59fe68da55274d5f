import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Synchronization
import Testing

@testable import LabServerKit

/// The log must never stop those who sell.
@Suite("The log's sink")
struct LogSinkTests {
    private struct Full: Error {}

    @Test("writes all lines in their order")
    func order() {
        let lines = Recorder<String>()
        let sink = LogSink(notice: { "\($0) missing\n" }, write: { lines.note($0) })
        let all = (0..<1000).map { "line \($0)\n" }
        for line in all { sink.put(line) }
        #expect(sink.drain(within: .seconds(60)))
        #expect(lines.values == all)
        #expect(sink.dropped.value == 0)
    }

    @Test("takes no more than fits while the writer stands still, counts the rest, and says so afterwards")
    func blocked() {
        let lines = Recorder<String>()
        let (isStuck, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isFirst = Mutex(true)
        let write = { @Sendable (line: String) in
            let mustWait = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            if mustWait {
                isStuck.signal()
                goesOn.wait()
            }
            lines.note(line)
        }
        let sink = LogSink(capacity: 10, notice: { "\($0) missing\n" }, write: write)
        sink.put("first\n")
        isStuck.wait()
        for number in 0..<7 { sink.put("line \(number)\n".prefix(5) + "\n") }
        #expect(sink.dropped.value == 6)
        #expect(!sink.drain(within: .milliseconds(20)))
        goesOn.signal()
        #expect(sink.drain(within: .seconds(60)))
        #expect(lines.values == ["first\n", "line \n6 missing\n"])
    }

    @Test("counts what cannot be written, and goes on when it can")
    func failing() {
        let lines = Recorder<String>()
        let isFull = Mutex(true)
        let write = { @Sendable (line: String) throws in
            if isFull.withLock({ $0 }) { throw Full() }
            lines.note(line)
        }
        let sink = LogSink(notice: { "\($0) missing\n" }, write: write)
        for number in 0..<3 { sink.put("\(number)\n") }
        #expect(sink.drain(within: .seconds(60)))
        #expect(sink.dropped.value == 3)
        isFull.withLock { $0 = false }
        sink.put("3\n")
        sink.put("4\n")
        #expect(sink.drain(within: .seconds(60)))
        #expect(lines.values == ["3\n3 missing\n", "4\n"])
    }
}

/// What a shell, a supervisor or a container may make of the three streams of a process.
@Suite("A server whose streams are unusable")
struct UnusableStreamTests {
    /// Sells with such streams, writes a line for each request, and ends as it should.
    private func sells(_ redirections: String) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-streams")
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 5, arguments: ["--log-level", "trace"],
            redirections: redirections
        ) { server async throws in
            for _ in 0..<5 { #expect(try await server.buyer.buy(server.product).status == 200) }
            try await server.expectExact(sold: 5)
        }
        directory.remove()
    }

    @Test("sells when its log cannot be written", arguments: ["2>/dev/full", "2>&-", "<&- 2>&-"])
    func noLog(redirections: String) async throws {
        try await sells(redirections)
    }

    @Test("sells when the reader of its log is gone")
    func noReader() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-streams")
        let pipe = directory.file("log")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let reader = unsafe open(pipe, O_RDONLY | O_NONBLOCK)
        let database = directory.file("l.sqlite")
        try await RunningServer.run(
            database: database, units: 5, arguments: ["--log-level", "trace"], redirections: "2>'\(pipe)'"
        ) { server async throws in
            close(reader)
            for _ in 0..<5 { #expect(try await server.buyer.buy(server.product).status == 200) }
            try await server.expectExact(sold: 5)
        }
        directory.remove()
    }

    @Test("sells when nobody reads its log, counts what does not fit, and ends in time")
    func sleepingReader() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-streams")
        let pipe = directory.file("log")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let reader = unsafe open(pipe, O_RDONLY | O_NONBLOCK)
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 2000, arguments: ["--log-level", "trace"],
            redirections: "2>'\(pipe)'"
        ) { server async throws in
            // 64 KiB fit into a pipe.
            for _ in 0..<400 { #expect(try await server.buyer.buy(server.product).status == 200) }
        }
        close(reader)
        directory.remove()
    }

    @Test("does not write into its ledger what is meant for a stream that was closed")
    func closedStreams() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-streams")
        let port = try FreePort.pick()
        let database = directory.file("l.sqlite")
        let child = try await ChildProcess.start(
            "/bin/sh",
            [
                "-c", "exec \"$@\" <&- >&- 2>&-", "sh", try BuiltProgram.path("lab-server"), "--dev",
                "--bcrypt-cost", "4", "--log-level", "trace", "--port", String(port), "--database",
                "sqlite:" + database,
            ])
        let client = ApiClient(port: port)
        try await waitUntil { await (try? client.send(.get, "/health/startup"))?.status == 200 }
        let buyer = try await client.signedIn()
        let product = try await buyer.product(units: 3)
        #expect(try await buyer.buy(product).status == 200)
        #expect(await child.terminate(grace: .seconds(30)) == .exited(0))
        let head = FileManager.default.contents(atPath: database)?.prefix(15)
        #expect(head.map { String(decoding: $0, as: UTF8.self) } == "SQLite format 3")
        directory.remove()
    }

    @Test("a command whose answer cannot be written says so and ends with 74")
    func commandWithoutOutput() async throws {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", "exec \"$0\" config --dev >/dev/full", try BuiltProgram.path("lab-server")])
        #expect(await child.waitUntilExit() == .exited(74))
        #expect(
            child.lines().contains {
                $0.contains("the standard output cannot be written: No space left on device")
            }, "\(child.lines())")
    }
}
