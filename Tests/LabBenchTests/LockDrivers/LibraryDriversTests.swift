import Foundation
import LabProcesses
import LockDrivers
import Synchronization
import Testing

/// The drivers of real libraries in Drivers/python. Their packages come from a package index, so a machine
/// without the environment skips them visibly.
@Suite("Drivers of real libraries", .serialized, .timeLimit(.minutes(4)))
struct LibraryDriversTests {
    private static let python = DriverPage.root + "/.build/libraries/requirements/bin/python"
    private static let isMade = FileManager.default.isExecutableFile(atPath: python)
    private static let needs: Comment = "./lab test makes the Python environment that these need"

    private func check(_ driver: String, _ setting: String) async throws -> (String?, told: [String]) {
        let mark = ProcessMark()
        let told = Mutex<[String]>([])
        var wrong: String?
        try await withRedisServer { redis in
            do throws(DriverError) {
                try await DriverCheck(
                    [Self.python, DriverPage.root + "/Drivers/python/" + driver, setting], redis: [redis.url],
                    environment: mark.environment
                ).run { sentence in told.withLock { $0.append(sentence) } }
            } catch {
                wrong = error.description
            }
        }
        #expect(await mark.left == [])
        return (wrong, told.withLock { $0 })
    }

    @Test(
        "pass the check", .enabled(if: isMade, needs),
        arguments: [
            ("redis_py.py", "defaults"), ("redis_py.py", "best"), ("redis_lock_py.py", "defaults"),
            ("redis_lock_py.py", "spin"), ("pottery_redlock.py", "defaults"), ("pottery_redlock.py", "best"),
        ])
    func right(driver: String, setting: String) async throws {
        let (wrong, told) = try await check(driver, setting)
        #expect(wrong == nil)
        #expect(told.first?.contains(", \(setting): ") == true, "\(told)")
        #expect(told.count == 8)
    }

    @Test("of the others, the check says what their library answers", .enabled(if: isMade, needs))
    func silent() async throws {
        // Its unlock returns nothing, whatever it found.
        let (wrong, told) = try await check("redlock_py.py", "defaults")
        #expect(wrong?.contains("\"released\" to a ") == true, "\(wrong ?? "nothing")")
        #expect(told.count >= 2)
    }

    @Test("are refused a setting that is none", .enabled(if: isMade, needs))
    func badSetting() async throws {
        let (wrong, told) = try await check("redis_py.py", "fast")
        #expect(wrong?.contains("exit code 64 before its hello") == true, "\(wrong ?? "nothing")")
        #expect(wrong?.contains("redis_py.py [defaults|best]") == true, "\(wrong ?? "nothing")")
        #expect(told == [])
    }
}

/// `./lab libraries` and docs/LIBRARIES.md.
@Suite("./lab libraries", .serialized, .timeLimit(.minutes(2)))
struct LibrariesCommandTests {
    private func run(_ program: String, _ arguments: [String]) async throws -> (
        LabProcesses.ExitStatus, [String]
    ) {
        let child = try await ChildProcess.start(
            program, arguments, environment: ProcessInfo.processInfo.environment)
        return (
            await child.waitUntilExit(), child.lines(of: .standardOutput) + child.lines(of: .standardError)
        )
    }

    @Test(
        "answers bad input with 64 and one sentence, before it makes anything",
        arguments: [
            (["--only", "redis-py,jedis"], "there is no library \"jedis\""),
            (["--stages", "speed"], "there is no stage \"speed\""),
            (["--output", DriverPage.root + "/docs"], "is not empty"), (["--fast"], "--fast"),
        ])
    func badInput(arguments: [String], sentence: String) async throws {
        let (end, lines) = try await run(
            "python3", [DriverPage.root + "/Drivers/libraries.py", "--look"] + arguments)
        #expect(end == .exited(64))
        #expect(lines.count == 1 && lines[0].contains(sentence), "\(lines)")
    }

    @Test("its page is what the results say that it names, and a changed page is seen")
    func page() async throws {
        let page = try String(contentsOfFile: DriverPage.root + "/docs/LIBRARIES.md", encoding: .utf8)
        let named = page.matches(of: /The results: \[(results\/[^\]]*)\]/).map { String($0.output.1) }
        try #require(!named.isEmpty)
        let results = named.map { DriverPage.root + "/" + $0 }
        let table = DriverPage.root + "/Drivers/table.py"
        let (end, lines) = try await run("python3", [table] + results + ["--check"])
        #expect(
            end == .exited(0),
            "draw it again: python3 Drivers/table.py \(named.joined(separator: " ")) \(lines)")
        let folder = try TemporaryDirectory()
        let copy = folder.file("LIBRARIES.md")
        let changed = page.replacing("seen 3 of 3 times", with: "seen 2 of 3 times", maxReplacements: 1)
        try #require(changed != page)
        try Data(changed.utf8).write(to: URL(filePath: copy))
        #expect(try await run("python3", [table] + results + [copy, "--check"]).0 == .exited(1))
        #expect(try await run("python3", [table] + results + [copy]).0 == .exited(0))
        #expect(try String(contentsOfFile: copy, encoding: .utf8) == page)
        #expect(try await run("python3", [table, folder.path + "/none", "--check"]).0 == .exited(64))
    }
}
