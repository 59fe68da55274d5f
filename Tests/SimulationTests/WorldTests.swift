import LockStrategies
import Simulation
import Synchronization
import Testing

@Suite struct WorldTests {
    /// What tasks did, in the order in which they did it.
    private final class Log: Sendable {
        private let entries = Mutex<[String]>([])
        func add(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    /// Three tasks that take turns, sleep, start groups and wait for each other.
    private func play(_ chooser: Chooser, _ order: StepOrder = StepOrder()) -> (World, [String]) {
        let world = World(chooser, order: order)
        let log = Log()
        let process = world.makeProcess()
        let other = world.makeProcess(drift: 500)
        for (name, process) in [("a", process), ("b", other), ("c", process)] {
            _ = process.start {
                log.add("\(name) begins")
                try? await process.clock.sleep(until: process.clock.now + .milliseconds(1), tolerance: nil)
                let sum = await withTaskGroup(of: Int.self) { group in
                    for number in 0..<3 {
                        group.addTask {
                            log.add("\(name) \(number)")
                            return number
                        }
                    }
                    return await group.reduce(0, +)
                }
                log.add("\(name) has \(sum)")
                await uncancelled { log.add("\(name) cleans up") }
                log.add("\(name) ends")
            }
        }
        #expect(world.run(mostSteps: 10_000) == .quiet)
        world.end()
        return (world, log.all)
    }

    @Test func theSameSeedMakesTheSameWorld() {
        for seed in 0..<1_000 as Range<UInt64> {
            let (one, first) = play(Chooser(seed: seed))
            let (other, second) = play(Chooser(seed: seed))
            #expect(one.fingerprint == other.fingerprint)
            #expect(first == second)
        }
    }

    @Test func theDecisionsOfAWorldMakeItAgain() {
        for seed in 0..<100 as Range<UInt64> {
            let (one, first) = play(Chooser(seed: seed))
            let (other, second) = play(Chooser(following: one.chooser.decisions))
            #expect(one.fingerprint == other.fingerprint)
            #expect(first == second)
        }
    }

    @Test func otherSeedsMakeOtherOrders() {
        let orders = Set((0..<200 as Range<UInt64>).map { play(Chooser(seed: $0)).1 })
        #expect(orders.count > 150)
    }

    @Test func everythingThatATaskStartsRunsInTheWorld() {
        let (_, log) = play(Chooser(seed: 1))
        #expect(log.count == 3 * 7)
        for name in ["a", "b", "c"] { #expect(log.contains("\(name) cleans up")) }
    }

    @Test func aSleepEndsAtItsMoment() {
        let world = World(Chooser(following: []))
        let process = world.makeProcess()
        let log = Log()
        _ = process.start {
            try? await process.clock.sleep(until: process.clock.now + .milliseconds(5), tolerance: nil)
            log.add("\(world.now)")
        }
        #expect(world.run(mostSteps: 100) == .quiet)
        #expect(log.all == ["5000000"])
    }

    @Test func aCancelledSleepEndsAtOnce() {
        let world = World(Chooser(following: []))
        let process = world.makeProcess()
        let log = Log()
        let task = process.start {
            do {
                try await process.clock.sleep(until: process.clock.now + .seconds(5), tolerance: nil)
            } catch {
                log.add("\(error is CancellationError) \(world.now)")
            }
        }
        world.plan(at: 1_000) { task.cancel() }
        #expect(world.run(mostSteps: 100) == .quiet)
        #expect(log.all == ["true 1000"])
        #expect(world.pendingEvents == 0)
    }

    @Test func aStoppedProcessDoesNothingUntilItGoesOn() {
        let world = World(Chooser(following: []))
        let process = world.makeProcess()
        let log = Log()
        _ = process.start {
            for _ in 0..<3 {
                try? await process.clock.sleep(until: process.clock.now + .milliseconds(1), tolerance: nil)
                log.add("\(world.now / 1_000_000)")
            }
        }
        world.plan(at: 1_500_000) { process.stop() }
        world.plan(at: 9_000_000) { process.proceed() }
        #expect(world.run(mostSteps: 100) == .quiet)
        #expect(log.all == ["1", "9", "10"])
    }

    @Test func theTasksOfADeadProcessComeToTheirEnd() {
        let world = World(Chooser(following: []))
        let process = world.makeProcess()
        let log = Log()
        _ = process.start {
            let end = process.clock.now + .seconds(3_600)
            while process.clock.now < end {
                try? await process.clock.sleep(until: process.clock.now + .seconds(1), tolerance: nil)
            }
            log.add("ended")
        }
        world.plan(at: 10_000_000_000) { process.die() }
        #expect(world.run(mostSteps: 1_000) == .quiet)
        #expect(log.all == ["ended"])
        #expect(world.now == 10_000_000_000)
    }

    /// Two tasks, and a bug that needs two switches at the right places: of some twenty steps.
    private func meetsTheRareOrder(_ chooser: Chooser, _ order: StepOrder) -> Bool {
        let world = World(chooser, order: order)
        let flag = Mutex(0)
        let met = Log()
        let process = world.makeProcess()
        let other = world.makeProcess()
        _ = process.start {
            for step in 1...8 {
                flag.withLock { $0 = step }
                await Task.yield()
            }
        }
        _ = other.start {
            for _ in 1...7 { await Task.yield() }
            if flag.withLock({ $0 }) == 3 {
                await Task.yield()
                if flag.withLock({ $0 }) == 3 { met.add("met") }
            }
        }
        _ = world.run(mostSteps: 1_000)
        world.end()
        return !met.all.isEmpty
    }

    @Test func prioritiesMeetARareOrderAsOftenAsTheyPromise() {
        // Two changes, two tasks, at most 20 steps: at least 1 in 2 · 20².
        let order = StepOrder(.priorities(changes: 2, steps: 20))
        let met = (0..<8_000 as Range<UInt64>).count { meetsTheRareOrder(Chooser(seed: $0), order) }
        #expect(met >= 8_000 / 800)
    }

    @Test func anEndlessWorldIsStopped() {
        let world = World(Chooser(following: []))
        let process = world.makeProcess()
        _ = process.start { while !process.isDead { await Task.yield() } }
        #expect(world.run(mostSteps: 1_000) == .tooLong)
        world.end()
    }
}
