import BenchModel
import BenchResults
import BenchStatistics
import Foundation
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import BenchRun

/// Real processes: `lab-bench`, `lab-server`, `redis-server`, as they were built with these tests.
@Suite("lab-bench run", .serialized, .timeLimit(.minutes(10)))
struct RunCommandTests {
    static func program(_ name: String) throws -> String {
        let tests = try #require(Executable.current())
        return (tests as NSString).deletingLastPathComponent + "/\(name)"
    }

    /// 5: a debug build is measured, so nothing is conclusive. 3: the machine was too busy for a measurement,
    /// which the run has to say, and which says nothing about its correctness.
    static let goodEnds: [LabProcesses.ExitStatus] = [.exited(0), .exited(5), .exited(3)]

    /// Only what a busy machine or a debug build explains did not pass.
    func expectNoFault(_ results: RunResults, sourceLocation: SourceLocation = #_sourceLocation) {
        let excused = [
            "generator-processor", "generator-lag", "generator-pauses", "arrival-process", "arrival-count",
            "arrival-gaps",
            "stationary",
            "littles-law", "release-build",
        ]
        let red = results.trials.filter { !$0.isControl }.flatMap(\.checks)
            .filter { $0.state == .fail || $0.state == .unknown }
        #expect(red.allSatisfy { excused.contains($0.id) }, "\(red)", sourceLocation: sourceLocation)
    }

    /// Everything that was sold is accounted for, also by trials that a busy machine has spoilt.
    func expectExact(_ results: RunResults, sourceLocation: SourceLocation = #_sourceLocation) {
        for strategy in results.strategies {
            let spoilt = (results.spoilt ?? []).filter { $0.strategy == strategy.id }
            let isSpoilt = strategy.trials == 0 && !spoilt.isEmpty
            #expect(
                isSpoilt || strategy.stockWord == "exact" && strategy.ledger.answered > 0, "\(strategy.id)",
                sourceLocation: sourceLocation)
            #expect(
                spoilt.allSatisfy { $0.isStockExact == true && $0.purchasesPerSecond > 0 }, "\(spoilt)",
                sourceLocation: sourceLocation)
        }
    }

    func start(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> ChildProcess {
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return try await ChildProcess.start(try Self.program("lab-bench"), arguments, environment: all)
    }

    /// Runs to the end with a results directory of its own.
    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: LabProcesses.ExitStatus, output: [String], errors: [String]) {
        let directory = try TemporaryDirectory()
        let child = try await start(
            ["run", "--output", directory.file("out")] + arguments, environment: environment)
        let status = await child.waitUntilExit()
        directory.remove()
        return (status, child.lines(of: .standardOutput), child.lines(of: .standardError))
    }

    @Test(
        "refuses wrong options with one line each and exit code 64",
        arguments: [
            (["--users", "0"], 1), (["--strategies", "fast"], 1), (["--redis", "ftp://x"], 1),
            (["--mode", "fast"], 1), (["--mode", "direct", "--server-binary", "lab-server"], 1),
            (["--mode", "strategy", "--strategies", "sql-row"], 1),
            (["--mode", "strategy", "--scenario", "journey"], 1),
            (["--users", "0", "--rounds", "0", "--strategies", "fast"], 3),
        ])
    func usage(arguments: [String], lines: Int) async throws {
        let end = try await run(arguments)
        #expect(end.status == .exited(64))
        #expect(end.errors.count == lines)
        #expect(end.errors.allSatisfy { $0.hasPrefix("lab-bench: ") })
    }

    @Test(
        "ends with 6 and one line when Redis, a program, or the server cannot be had",
        arguments: [
            ["--redis", "redis://127.0.0.1:1"],
            ["--server-binary", "/no/such/lab-server"],
            ["--server-binary", "/bin/false"],
        ])
    func unreachable(arguments: [String]) async throws {
        let end = try await run(arguments)
        #expect(end.status == .exited(6))
        #expect(end.errors.count == 1)
    }

    @Test("ends with 6 and says how to get a missing redis-server")
    func noRedis() async throws {
        let end = try await run(["--strategies", "lua-atomic"], environment: ["REDIS_BIN": "/no/such/redis"])
        #expect(end.status == .exited(6))
        #expect(end.errors.last?.contains("install redis-server") == true)
    }

    @Test("shows the server's own last line when it fails at start")
    func serverFails() async throws {
        let directory = try TemporaryDirectory()
        let script = directory.file("server")
        try Data("#!/bin/sh\necho 'the database is of a newer version' >&2\nexit 1\n".utf8)
            .write(to: URL(fileURLWithPath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let end = try await run(["--server-binary", script])
        #expect(end.status == .exited(6))
        #expect(end.errors.last?.hasSuffix("the database is of a newer version") == true)
        directory.remove()
    }

    @Test("does not touch a Redis database that holds something")
    func fullRedis() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            _ = try await client.send(RedisCommand("SET", "precious", "1"))
            let end = try await run(["--redis", server.url])
            #expect(end.status == .exited(6))
            #expect(end.errors.first?.contains("holds 1 keys") == true)
            let kept = try await client.send(RedisCommand("GET", "precious")).string
            #expect(kept == "1")
            await client.close()
        }
    }

    @Test("measures, audits, catches the control, and ends with the path of the report")
    func whole() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--strategies", "unguarded,setnx-backoff,lua-atomic,redlock", "--users", "10", "--rounds",
            "1", "--warmup", "0.1", "--duration", "3", "--output", directory.file("out"),
        ])
        let status = await child.waitUntilExit()
        let log = child.lines().joined(separator: "\n")
        #expect(Self.goodEnds.contains(status), "\(log)")
        #expect(
            child.lines(of: .standardOutput).last == "report: \(directory.file("out"))/LOAD_TEST_RESULT.md")
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        let results = try RunResults.decode(json)
        expectNoFault(results)
        #expect(results.controls.first?.isCaught == true)
        #expect(results.strategies.count == 3)
        expectExact(results)
        #expect(results.trials.allSatisfy { $0.attempts.count > 0 })
        #expect(results.ceilings.map(\.id) == Ceiling.allCases.map(\.rawValue))
        #expect(results.ceilings.allSatisfy { $0.ceiling.perSecond > 0 && $0.ceiling.benchCores != nil })
        #expect(results.strategies.allSatisfy { $0.trials == 0 || $0.limiter?.evidence != nil })
        directory.remove()
    }

    @Test("stops its Redis and ends with 130 when it is interrupted in direct mode")
    func directInterrupted() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--no-ceilings", "--mode", "direct", "--strategies", "setnx-backoff", "--users", "3",
            "--duration", "3000",
            "--warmup", "0", "--output", directory.file("out"),
        ])
        let pid = child.processIdentifier
        try await waitUntil { !ProcessTree.children(of: pid).isEmpty || !child.isRunning }
        let started = ProcessTree.children(of: pid)
        child.signal(SIGINT)
        #expect(await child.waitUntilExit() == .exited(130))
        #expect(started.allSatisfy(ProcessTree.isGone))
        directory.remove()
    }

    @Test("uses the Redis that it is given and leaves it empty")
    func ownRedis() async throws {
        try await withRedisServer { server in
            let end = try await run([
                "--redis", server.url, "--no-ceilings", "--strategies", "lua-atomic", "--users", "3",
                "--rounds", "2",
                "--warmup", "0.1", "--duration", "0.5", "--quiet",
            ])
            #expect(Self.goodEnds.contains(end.status), "\(end)")
            let client = RedisClient(server.endpoint, limits: .patient)
            let left = try await client.send(RedisCommand("DBSIZE")).integer
            #expect(left == 0)
            await client.close()
        }
    }

    @Test(
        "writes partial results, stops its children and ends with 130 when interrupted",
        arguments: [
            SIGINT, SIGTERM,
        ])
    func interrupted(signal: Int32) async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--no-ceilings", "--strategies", "lua-atomic", "--users", "3", "--duration", "3000",
            "--warmup", "0",
            "--output", directory.file("out"),
        ])
        let pid = child.processIdentifier
        try await waitUntil { ProcessTree.children(of: pid).count >= 2 || !child.isRunning }
        let started = ProcessTree.children(of: pid)
        #expect(started.count >= 2)
        child.signal(signal)
        #expect(await child.waitUntilExit() == .exited(130))
        #expect(started.allSatisfy(ProcessTree.isGone))
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        #expect(try RunResults.decode(json).run.status == "interrupted")
        directory.remove()
    }

    @Test("takes its children with it when it is killed")
    func killed() async throws {
        let directory = try TemporaryDirectory()
        // Who is killed leaves its temporary directories behind: they go with ours.
        let child = try await start(
            [
                "run", "--no-ceilings", "--strategies", "redlock", "--users", "3", "--duration", "3000",
                "--warmup", "0",
                "--output", directory.file("out"),
            ], environment: ["TMPDIR": directory.path])
        let pid = child.processIdentifier
        // Stock, five nodes, server.
        try await waitUntil { ProcessTree.children(of: pid).count >= 7 || !child.isRunning }
        let started = ProcessTree.children(of: pid)
        #expect(started.count >= 7)
        await child.killNow()
        try await waitUntil { started.allSatisfy(ProcessTree.isGone) }
        directory.remove()
    }

    /// Runs one closed trial, and stops a process for half a second in its middle.
    private func stop(_ victim: (ChildProcess, [Int32]) -> Int32?) async throws -> RunResults {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--no-ceilings", "--strategies", "lua-atomic", "--model", "closed", "--users", "3",
            "--rounds", "1",
            "--warmup", "0", "--duration", "6", "--output", directory.file("out"),
        ])
        try await waitUntil { isPastControl(child) || !child.isRunning }
        // On a slow machine the load may be over by now.
        if child.isRunning, let stopped = victim(child, ProcessTree.children(of: child.processIdentifier)) {
            kill(stopped, SIGSTOP)
            try await Task.sleep(for: .milliseconds(500))
            kill(stopped, SIGCONT)
        }
        _ = await child.waitUntilExit()
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        directory.remove()
        return try RunResults.decode(json)
    }

    /// The negative control has ended, and the buyers of the next trial buy: nobody else uses its Redis.
    private func isPastControl(_ child: ChildProcess) -> Bool {
        child.lines(of: .standardOutput).contains { $0.hasPrefix("[1/") && $0.contains("unguarded") }
            && isBusy(ProcessTree.children(of: child.processIdentifier))
    }

    private func isBusy(_ children: [Int32]) -> Bool {
        children.contains { name($0) == "redis-server" && (ProcessorTime.seconds($0) ?? 0) >= 0.05 }
    }

    private func name(_ pid: Int32) -> String {
        let data = FileManager.default.contents(atPath: "/proc/\(pid)/comm") ?? Data()
        return String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
    }

    /// Stops the victim in one run after the other until its trial shows what is looked for; five runs at
    /// most.
    ///
    /// On a machine that is shared the load may have ended when the stop comes, or the machine itself may
    /// stop the generator; not five times in a row.
    private func stop(
        _ victim: (ChildProcess, [Int32]) -> Int32?, until isSeen: (RunResults) -> Bool
    ) async throws -> RunResults {
        var results = try await stop(victim)
        for _ in 1..<5 where !isSeen(results) { results = try await stop(victim) }
        return results
    }

    /// Lets a process run for a sixth of the time, until it ends. Its own children are not touched: a server
    /// that is short of time too is slow itself, and then a late generator changes little.
    private func starve(_ child: ChildProcess) async throws {
        while child.isRunning {
            child.signal(SIGSTOP)
            try await Task.sleep(for: .milliseconds(150))
            child.signal(SIGCONT)
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    @Test(
        "calls a run in which the generator got next to no processor time invalid: 3, no ranking, no baseline"
    )
    func starved() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            // Quick purchases: where one takes seconds, a late generator changes little, and the run says so.
            "run", "--no-ceilings", "--strategies", "lua-atomic", "--model", "closed", "--users", "20",
            "--rounds", "1", "--warmup", "0", "--duration", "6", "--output", directory.file("out"),
        ])
        try await waitUntil { isPastControl(child) || !child.isRunning }
        try await starve(child)
        let end = await child.waitUntilExit()
        #expect(end == .exited(3), "\(child.lines())")
        let results = directory.file("out/results.json")
        let found = try RunResults.decode(try #require(FileManager.default.contents(atPath: results)))
        let ids: Set = ["generator-lag", "generator-pauses", "generator-processor"]
        let spoilt = try #require(found.spoilt)
        #expect(spoilt.allSatisfy { $0.isLeftOut && $0.causes.contains { ids.contains($0.check) } })
        #expect(spoilt.map(\.attempt).max() == Repetition.mostOfTrial + 1)
        #expect(found.verdict.exit == .invalid && found.strategies.allSatisfy { !$0.isRanked })
        // Against itself: neither a judgement nor a number for somebody's history.
        let metrics = directory.file("metrics.json")
        let comparison = try await start(["compare", results, results, "--bmf", metrics])
        #expect(await comparison.waitUntilExit() == .exited(3), "\(comparison.lines())")
        #expect(!FileManager.default.fileExists(atPath: metrics))
        directory.remove()
    }

    @Test("ends with 4 when a server sells wrongly under the name of a strategy that does not")
    func violation() async throws {
        let directory = try TemporaryDirectory()
        let script = directory.file("server")
        let server = try Self.program("lab-server")
        let text = """
            #!/bin/sh
            for word; do shift; [ "$word" = lua-atomic ] && word=unguarded; set -- "$@" "$word"; done
            exec '\(server)' "$@"
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let end = try await run([
            "--no-ceilings", "--strategies", "lua-atomic", "--model", "closed", "--server-binary", script,
            "--users", "20", "--rounds", "1", "--warmup", "0", "--duration", "3",
        ])
        #expect(end.status == .exited(4), "\(end)")
        directory.remove()
    }

    @Test("tells a generator that was stopped for half a second from a server that was")
    func stopped() async throws {
        // The trial is run again, and the run says why.
        func pauses(_ results: RunResults) -> SpoiltTrial? {
            results.spoilt?.first { $0.causes.contains { $0.check == "generator-pauses" } }
        }
        let generator = try await stop(
            { child, _ in child.processIdentifier }, until: { pauses($0) != nil })
        let spoilt = try #require(pauses(generator))
        #expect(spoilt.attempt == 1 && spoilt.isStockExact == true)
        #expect(generator.verdict.sentence.contains("generator-pauses"))
        func isOfServer(_ results: RunResults) -> Bool {
            pauses(results) == nil
                && results.trials.contains { trial in
                    !trial.isControl && trial.latencyUs["success"]?.max ?? 0 >= 400_000
                        && trial.generator.longestPauseMs < 400
                }
        }
        let server = try await stop(
            { _, children in children.first { name($0) == "lab-server" } }, until: isOfServer)
        #expect(isOfServer(server), "\(server.trials.map(\.generator))")
    }
}
