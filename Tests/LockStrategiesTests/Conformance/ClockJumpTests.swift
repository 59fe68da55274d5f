import FaultInjection
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

/// Processes that hold, extend and wait for a lock while their wall clock jumps.
@Suite("12 · Wall-clock jumps")
struct ClockJumpTests {
    private struct Crew {
        let shim: ClockShim
        let holder: ObedientWorker
        let waiter: ObedientWorker
        let leaver: ObedientWorker

        static func start(_ id: StrategyEntry, _ lab: StrategyLab) async throws -> Crew {
            let shim = try await ClockShim.build()
            func worker(_ name: String) async throws -> ObedientWorker {
                try await .start(
                    name, strategy: id.name, urls: lab.urls, redis: lab.stock,
                    environment: shim.environment)
            }
            return Crew(
                shim: shim, holder: try await worker("holder"), waiter: try await worker("waiter"),
                leaver: try await worker("leaver"))
        }

        func end() async {
            for worker in [holder, waiter, leaver] { await worker.process.killNow() }
        }
    }

    private static let hour: Int64 = 3_600

    @Test(
        "12 · a wall-clock jump of an hour changes neither validity nor deadline nor who is inside",
        arguments: StrategyLab.leases, [hour, -hour])
    func jump(id: StrategyEntry, seconds: Int64) async throws {
        try await StrategyLab.run(for: id) { lab in
            let crew = try await Crew.start(id, lab)
            let asked = ContinuousClock.now
            let granted = try await crew.holder.acquire("lock:a", .seconds(600), within: .zero)
            #expect(granted.first == "granted")
            let clockBefore = try await crew.holder.clock()
            let waiting = try await crew.waiter.beginAcquire(
                "lock:a", timeToLive: .seconds(600), within: .seconds(1_800))
            let leaverBegan = ContinuousClock.now
            let leaving = try await crew.leaver.beginAcquire(
                "lock:a", timeToLive: .seconds(600), within: .seconds(2))

            try crew.shim.jump(to: seconds)
            let clockAfter = try await crew.holder.clock()
            #expect(abs(clockAfter.ahead - clockBefore.ahead - Double(seconds)) < 60, "it did not jump")

            // Validity: what is left has only shrunk by the time that passed.
            let left = try await crew.holder.left()
            let passed = asked.duration(to: .now)
            #expect(left <= .milliseconds(593_998) && left >= .milliseconds(593_998) - passed)
            // The deadline passes when it should: not at the jump, and not an hour later.
            #expect(try await crew.leaver.outcome(of: leaving).first == "contended")
            #expect(leaverBegan.duration(to: .now) >= .seconds(2))
            // Extending: validity counts from now, on the worker's and on the server's side.
            let extending = ContinuousClock.now
            let longer = try await crew.holder.order("extend 1200000")
            #expect(longer.first == "extended")
            let longerLeft = Duration.microseconds(try #require(longer.last.flatMap { Int64($0) }))
            #expect(longerLeft <= .milliseconds(1_187_998))
            #expect(longerLeft >= .milliseconds(1_187_998) - extending.duration(to: .now))
            // Exclusion: the waiter neither came in nor gave up, and comes in after the release.
            #expect(!crew.waiter.hasOutcome(of: waiting))
            #expect(try await crew.holder.order("release") == ["released"])
            #expect(try await crew.waiter.outcome(of: waiting).first == "granted")
            #expect(try await crew.waiter.left() > .seconds(500))
            #expect(try await crew.waiter.order("release") == ["released"])
            await crew.end()
        }
    }

    @Test("12 · the control: on a wall clock the same jump ends the lease")
    func wallClockIsSeen() async throws {
        try await StrategyLab.run(for: .setnxSpin) { lab in
            let shim = try await ClockShim.build()
            let worker = try await ObedientWorker.start(
                "worker", strategy: StrategyEntry.setnxSpin.name, urls: lab.urls, redis: lab.stock,
                clock: .wall, environment: shim.environment)
            #expect(try await worker.acquire("lock:a", .seconds(600), within: .zero).first == "granted")
            #expect(try await worker.left() > .seconds(300))
            try shim.jump(to: Self.hour)
            #expect(try await worker.left() < .zero)
            await worker.process.killNow()
        }
    }
}

extension ObedientWorker {
    fileprivate func acquire(
        _ key: String, _ timeToLive: Duration, within limit: Duration
    ) async throws -> [String] {
        try await outcome(of: beginAcquire(key, timeToLive: timeToLive, within: limit))
    }

    /// What is left of the newest lease.
    fileprivate func left() async throws -> Duration {
        .microseconds(try #require(try await order("left").first.flatMap { Int64($0) }))
    }

    /// How far the wall clock is ahead of the monotonic one, in seconds.
    fileprivate func clock() async throws -> (ahead: Double, monotonic: Double) {
        let numbers = try await order("clock").compactMap(Double.init)
        try #require(numbers.count == 2)
        return (numbers[0] - numbers[1], numbers[1])
    }
}
