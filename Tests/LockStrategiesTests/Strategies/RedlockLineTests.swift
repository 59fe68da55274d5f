import Dispatch
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import LockStrategies

/// The tasks of one process in line before the nodes, on real ones.
@Suite("redlock · the line of a process", .timeLimit(.minutes(10)))
struct RedlockLineTests {
    private typealias Lock = Redlock<HookedPort<RedisClient>, ContinuousClock>

    private static let key = LockKey("lock:a")
    private static let long = Duration.seconds(3600)
    /// Who is not served within it never will be.
    private static let patience = Duration.seconds(60)
    private static let never = RetryPolicy(delay: .fixed(long))
    private static let soon = RetryPolicy(delay: .fixed(.milliseconds(5)))

    /// A lock as another process would have it, with connections of its own.
    private static func lock(
        _ lab: StrategyLab, retry: RetryPolicy = never, finishing: FinishingQueue? = nil,
        noting sent: Recorder<String> = Recorder()
    ) throws -> Lock {
        try Redlock(
            nodes: lab.nodes.map { node in
                let client = RedisClient(node.endpoint, limits: StrategyLab.patient)
                return LockNode(name: node.url, redis: HookedPort(client) { sent.note($0) })
            },
            clock: ContinuousClock(), random: .system, retry: retry, validity: LeaseValidity(),
            finishing: finishing)
    }

    /// How often the nodes were asked for the lock.
    private static func tries(_ sent: Recorder<String>, _ lab: StrategyLab) -> Int {
        sent.values.filter { $0 == "SET" }.count / lab.nodes.count
    }

    @Test("36 · waiters of one process are served in order of arrival, and one asks")
    func order() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let sent = Recorder<String>()
            let lock = try Self.lock(lab, noting: sent)
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let order = Recorder<Int>()
            var tasks: [Task<Void, any Error>] = []
            for index in 0..<40 {
                tasks.append(
                    Task {
                        let lease = try await lock.granted(
                            Self.key, timeToLive: Self.long, within: Self.patience)
                        order.note(index)
                        #expect(try await lock.release(lease) == .released)
                    })
                try await waitUntil { lock.waitingCount(of: Self.key) == index + 1 }
            }
            #expect(Self.tries(sent, lab) == 1)
            #expect(try await lock.release(first) == .released)
            for task in tasks { try await task.value }
            #expect(order.values == Array(0..<40))
            #expect(Self.tries(sent, lab) == 41)
            #expect(lock.waitingCount(of: Self.key) == 0)
        }
    }

    @Test("36 · a release behind the answer lets the next ask, in line or new, and not before it is sent")
    func behind() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let queue = FinishingQueue()
            let sent = Recorder<String>()
            let lock = try Self.lock(lab, retry: Self.soon, finishing: queue, noting: sent)
            let thread = OneThread()
            try await withTaskExecutorPreference(thread) {
                @Sendable func next() -> Task<Lease, any Error> {
                    Task(executorPreference: thread) {
                        try await lock.granted(Self.key, timeToLive: Self.long, within: Self.patience)
                    }
                }
                // From now on the nodes know the script of the release.
                #expect(try await lock.release(try await lock.granted(Self.key)) == .released)
                let first = try await lock.granted(Self.key, timeToLive: Self.long)
                let second = next()
                try await waitUntil { lock.waitingCount(of: Self.key) == 1 }
                var cost = Evidence()
                #expect(lock.releaseBehind(first, &cost))
                let lease = try await second.value
                // It begins before the tasks of the release, which are behind it on the only thread.
                let third = next()
                #expect(lock.releaseBehind(lease, &cost))
                #expect(try await lock.release(try await third.value) == .released)
                #expect(Self.tries(sent, lab) == 4, "a try was refused")
                #expect(cost.commandsSent == 2 * lab.nodes.count)
            }
            await queue.finish()
        }
    }

    @Test("18 · in line behind a holder of its process nobody asks, and each is out of time at its deadline")
    func outOfTime() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let sent = Recorder<String>()
            let lock = try Self.lock(lab, noting: sent)
            let held = try await lock.granted(Self.key, timeToLive: Self.long)
            for wait in [Duration.zero, .milliseconds(50)] {
                let outcome = try await lock.acquire(
                    Self.key, timeToLive: Self.long, deadline: ContinuousClock.now + wait)
                guard case .contended(let evidence) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(evidence.attempts == 0 && evidence.waited >= wait)
            }
            #expect(Self.tries(sent, lab) == 1)
            #expect(try await lock.release(held) == .released)
            #expect(try await lock.release(try await lock.granted(Self.key)) == .released)
        }
    }

    @Test("19 · cancelled in line: prompt, and the others move up")
    func cancelled() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let lock = try Self.lock(lab)
            let held = try await lock.granted(Self.key, timeToLive: Self.long)
            let tasks = (0..<2).map { _ in
                Task { try await lock.granted(Self.key, timeToLive: Self.long, within: Self.patience) }
            }
            try await waitUntil { lock.waitingCount(of: Self.key) == 2 }
            tasks[0].cancel()
            await #expect {
                _ = try await tasks[0].value
            } throws: { ($0 as? StrategyError)?.code == .cancelled }
            #expect(try await lock.release(held) == .released)
            #expect(try await lock.release(try await tasks[1].value) == .released)
        }
    }

    @Test("15 · a holder that never gives back is waited for until its lease has ended, and no longer")
    func forgotten() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let lock = try Self.lock(lab, retry: Self.soon)
            _ = try await lock.granted(Self.key, timeToLive: .milliseconds(300))
            let next = try await lock.granted(Self.key)
            #expect(try await lock.release(next) == .released)
        }
    }

    @Test("36 · a process whose buyers never end leaves the lock free for the other one")
    func others() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let policy = try #require(StrategyEntry.redlock.traits.retry)
            let busy = try Self.lock(lab, retry: policy)
            let other = try Self.lock(lab, retry: policy)
            let crowd = (0..<20).map { _ in
                Task {
                    while !Task.isCancelled {
                        _ = try await busy.release(try await busy.granted(Self.key, within: Self.long))
                    }
                }
            }
            for _ in 0..<10 {
                _ = try await other.release(try await other.granted(Self.key))
            }
            for task in crowd { task.cancel() }
            for task in crowd { _ = await task.result }
        }
    }
}

/// Runs one job after the other, in the order in which they came.
private final class OneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "one thread")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
