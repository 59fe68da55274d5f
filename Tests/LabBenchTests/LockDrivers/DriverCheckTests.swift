import Foundation
import LabProcesses
import LockDrivers
import Synchronization
import Testing

/// Real driver processes.
@Suite("drivers check", .serialized, .timeLimit(.minutes(5)))
struct DriverCheckTests {
    /// - Returns: The first thing that is wrong, and the sentences before it.
    private func check(
        _ command: [String], redis: [String] = [], limits: DriverLimits = DriverLimits()
    ) async throws -> (wrong: DriverError?, told: [String]) {
        let mark = ProcessMark()
        let told = Mutex<[String]>([])
        var wrong: DriverError?
        do throws(DriverError) {
            try await DriverCheck(command, redis: redis, environment: mark.environment, limits: limits).run {
                sentence in told.withLock { $0.append(sentence) }
            }
        } catch {
            wrong = error
        }
        #expect(await mark.left == [])
        return (wrong, told.withLock { $0 })
    }

    static let faults: [(fault: String, code: DriverError.Code, sentence: String)] = [
        (
            "dies", .gone,
            "ended with exit code 1 before its hello; the last line of its log is: cannot import my_lock"
        ),
        ("dies-later", .gone, "ended with exit code 7, and 1 request was open"),
        ("banner", .wrongLine, "a line that is not JSON in UTF-8: Connecting to Redis…"),
        ("version", .wrongLine, "speaks protocol 2, and lab-bench speaks protocol 1"),
        ("no-version", .wrongLine, "a line that lacks hello.version"),
        ("hello-twice", .wrongLine, "said hello a second time"),
        (
            "closes-stdin", .gone,
            "closed its standard input before it was asked to end, and 1 request was open"
        ),
        ("closes-stdout", .gone, "closed its standard output"),
        ("garbage", .wrongLine, "not JSON in UTF-8: Traceback (most recent call last):"),
        ("list", .wrongLine, "a line that is no JSON object: [1, 2]"),
        ("latin-1", .wrongLine, "not JSON in UTF-8"),
        ("twice", .wrongLine, "answered request 1 twice"),
        ("unknown-id", .wrongLine, "answered request 999, which nobody asked"),
        ("no-id", .wrongLine, "an answer without an id"),
        ("text-id", .wrongLine, "a wrong type of id"),
        ("no-handle", .wrongLine, "has no handle"),
        ("huge-handle", .wrongLine, "a handle of 5000 bytes, and 4096 are allowed"),
        ("huge-line", .wrongLine, "a line of more than 65536 bytes"),
        ("wrong-word", .wrongLine, "is \"released\", and must be one of granted, contended, error"),
        ("too-valid", .wrongLine, "a validity_ms of 20000, which is more than its ttl_ms of 10000"),
        ("error", .wrongLock, "with an error: Redis is loading"),
        ("grants-all", .wrongLock, "granted a key while the same process held it"),
    ]

    @Test("says in one sentence what a driver does wrong, and leaves no process", arguments: faults)
    func faulty(fault: String, code: DriverError.Code, sentence: String) async throws {
        let (wrong, _) = try await check(["python3", DriverPage.faulty, fault])
        #expect(wrong?.code == code)
        #expect(wrong?.description.contains(sentence) == true, "\(wrong?.description ?? "nothing")")
        #expect(wrong?.description.contains("\n") == false)
    }

    @Test("waits for a hello no longer than the protocol says", arguments: ["hangs", "no-newline"])
    func silent(fault: String) async throws {
        var limits = DriverLimits()
        limits.hello = .seconds(1)
        let (wrong, _) = try await check(["python3", DriverPage.faulty, fault], limits: limits)
        #expect(wrong?.code == .noHello)
        let end =
            fault == "hangs" ? "it says {\"hello\":…} first" : "its first line has no newline at its end"
        // A Python that starts late has said nothing yet.
        #expect(wrong?.description.contains("no hello within 1 s of its start") == true)
        #expect(fault == "no-newline" || wrong?.description.contains(end) == true, "\(wrong as Any)")
    }

    @Test("waits for an answer no longer than the protocol says")
    func forgets() async throws {
        var limits = DriverLimits()
        limits.answer = .seconds(1)
        // The echo that it is never contends, so the release is asked of a single process.
        let driver = try await DriverProcess.start(
            ["python3", DriverPage.faulty, "forgets"], redis: [],
            environment: ProcessInfo.processInfo.environment, limits: limits)
        let answer = try await driver.ask(.acquire(key: "a", ttlMilliseconds: 1000, waitMilliseconds: 0))
        let error = await #expect(throws: DriverSilence.self) {
            try await driver.ask(.release(key: "a", handle: answer.handle))
        }
        guard case .unanswered(let wrong) = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect(wrong.description == "the driver did not answer request 2 (release \"a\") within 1 s")
        #expect(await driver.stop() == wrong)
        await #expect(throws: DriverSilence.unsent(wrong)) {
            try await driver.ask(.release(key: "a", handle: answer.handle))
        }
    }

    @Test(
        "passes the driver of docs/DRIVERS.md, and one that says released of a key that is gone",
        arguments: ["\"absent\"", "{\"extend\": \"absent\", \"release\": \"released\"}[op]"])
    func right(gone: String) async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder, change: ("\":-2\": \"absent\"", "\":-2\": \(gone)"))
        try await withRedisServer { redis in
            let (wrong, told) = try await check(["python3", driver], redis: [redis.url])
            #expect(wrong == nil)
            #expect(told.count == 8)
        }
    }

    @Test(
        "kills a driver, with what it started, that does not end or does not end with 0",
        arguments: [
            ("sleep 600", "did not end within 1 s of {\"op\":\"quit\"}"),
            ("exit 3", "after {\"op\":\"quit\"} the driver ended with exit code 3, and not with 0"),
        ])
    func endings(after: String, sentence: String) async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder)
        var limits = DriverLimits()
        limits.quit = .seconds(1)
        try await withRedisServer { redis in
            let (wrong, _) = try await check(
                ["sh", "-c", "python3 \(driver); \(after)"], redis: [redis.url], limits: limits)
            #expect(wrong?.code == .wrongEnd)
            #expect(wrong?.description.contains(sentence) == true, "\(wrong as Any)")
        }
    }

    @Test(
        "finds a lock that is none, although the protocol is kept",
        arguments: [
            // Deletes whatever is there.
            (
                "if v == ARGV[1] then", "if v then",
                "a second release of one lease has hit the next holder"
            ),
            // Says released of a key that somebody else holds.
            (
                "\":-1\": \"not_owner\"", "\":-1\": \"released\"",
                "\"released\" to a release after the lease had ended"
            ),
            // One request after the other.
            (
                "ThreadPoolExecutor(1000)", "ThreadPoolExecutor(1)",
                "a request must not wait for the one before it"
            ),
            // A lock of its own in each process.
            (
                "(\"SET\", key,", "(\"SET\", key + str(os.getpid()),",
                "granted a key while another process held it"
            ),
            // A lease without an end.
            ("\"PX\", ttl_ms)", "\"PX\", 60000)", "while the holder's ttl_ms of 1000 ended"),
        ])
    func wrongLock(old: String, new: String, sentence: String) async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder, change: (old, new))
        try await withRedisServer { redis in
            let (wrong, _) = try await check(["python3", driver], redis: [redis.url])
            #expect(wrong?.code == .wrongLock)
            #expect(wrong?.description.contains(sentence) == true, "\(wrong as Any)")
        }
    }
}
