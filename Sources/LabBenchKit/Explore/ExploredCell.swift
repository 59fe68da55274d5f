import BenchModel
import BenchResults
import Exploration
import Foundation
import LockStrategies
import Synchronization

/// One strategy under one fault, explored.
struct ExploredCell: Sendable {
    let plan: SchedulePlan
    let expected: FaultExpectation
    let outcome: Explorer.Outcome
    /// All orders of the world were gone through; nil: not asked for.
    var isComplete: Bool?
    /// The first violation, made small.
    var story: ExploreStory?

    /// Every schedule of it was played: no violation ended it.
    var isWhole: Bool { expected == .safe || isComplete != nil }

    /// The chance that a bug of a depth was met; nil: no schedule was played by priorities.
    var chance: ExploreCell.Chance? { ExploreCell.Chance(outcome.chance) }

    /// The place of the first violation among all schedules, from 1; nil: there is none.
    func place(from seed: UInt64) -> UInt64? {
        outcome.first.map { $0.seed - (isComplete == nil ? seed : 0) + 1 }
    }

    /// Something was violated that should hold.
    var isAgainstTheory: Bool { expected == .safe && outcome.first != nil }

    /// Theory's word came true, and every schedule was decided.
    var isAsExpected: Bool {
        switch expected {
        case .safe:
            outcome.first == nil && outcome.undecided == 0 && outcome.idle < outcome.schedules
                && isComplete != false
        case .violated: outcome.first != nil
        case .mayBeViolated, .unknown: true
        }
    }

    /// Makes the first violation small.
    mutating func tell(
        _ orders: Explorer.Orders, gitCommit: String?, isOver: @escaping @Sendable () -> Bool
    ) async throws(BenchError) {
        guard let first = outcome.first else { return }
        let plan = plan
        let result = await Self.onThread {
            Result { try Shrinker(orders).shrink(plan, first, isOver: isOver) }
        }
        do {
            story = try result.get().map { ExploreStory($0, gitCommit: gitCommit) }
        } catch {
            throw BenchError(.badInput, "\(error)")
        }
    }

    /// The cell as explore.json shows it.
    func record(_ orders: Explorer.Orders) -> ExploreCell {
        ExploreCell(
            strategy: plan.strategy.name, fault: plan.fault.rawValue, level: plan.level,
            order: orders.rawValue,
            theory: expected,
            judgement: isAgainstTheory
                ? .againstTheory
                : isAsExpected ? .asExpected : expected == .violated ? .notShown : .undecided,
            schedules: outcome.schedules, violated: outcome.violations, violations: outcome.kinds,
            undecided: outcome.undecided, idle: outcome.idle, isComplete: isComplete,
            firstViolatingSeed: outcome.first?.seed, story: story, cpuSeconds: outcome.seconds,
            chance: chance)
    }

    /// Schedules after which a violation that theory demands is given up, when the time is over.
    private static let leastToShow: UInt64 = 5_000

    /// Explores a cell on all cores.
    ///
    /// - Parameters:
    ///   - left: Cells that are still to do, this one included: they share the time that is left.
    ///   - isOver: True ends it.
    static func explore(
        _ cell: SchedulePlan, _ plan: ExplorePlan, left: Int, isOver: @escaping @Sendable () -> Bool
    ) async throws(BenchError) -> ExploredCell {
        let expected = cell.fault.expectation(of: cell.strategy, at: cell.level)
        let explorer = Explorer(cell, orders: plan.orders)
        let end = plan.end.map { end in
            ContinuousClock.now + ContinuousClock.now.duration(to: end) / left
        }
        if plan.orders == .all { return try await searchAll(cell, explorer, expected, plan, isOver) }
        let slices = Slices(from: plan.seed, schedules: plan.length)
        // A violation that theory demands is looked for a while, however short the time is.
        let isTimeOver: @Sendable () -> Bool = {
            guard let end, end < .now else { return false }
            return expected != .violated || slices.handedOut >= Self.leastToShow
        }
        let workers = max(1, min(EnvironmentInfo.cores, 8))
        let results = await withTaskGroup(of: Result<Explorer.Outcome, BenchError>.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    await onThread {
                        var total = Explorer.Outcome()
                        while let slice = slices.next(), !isOver() {
                            let part: Explorer.Outcome
                            do {
                                part = try explorer.explore(
                                    slice, stopsAtFirst: expected != .safe,
                                    isOver: { isOver() || isTimeOver() })
                            } catch {
                                return .failure(BenchError(.badInput, "\(error)"))
                            }
                            total.add(part)
                            if part.first != nil && expected != .safe { slices.close() }
                            if isTimeOver() { break }
                        }
                        return .success(total)
                    }
                }
            }
            var all: [Result<Explorer.Outcome, BenchError>] = []
            for await result in group { all.append(result) }
            return all
        }
        var outcome = Explorer.Outcome()
        for result in results { outcome.add(try result.get()) }
        return ExploredCell(plan: cell, expected: expected, outcome: outcome)
    }

    private static func searchAll(
        _ cell: SchedulePlan, _ explorer: Explorer, _ expected: FaultExpectation, _ plan: ExplorePlan,
        _ isOver: @escaping @Sendable () -> Bool
    ) async throws(BenchError) -> ExploredCell {
        let end = plan.end
        let most =
            switch plan.length {
            case .schedules(let count): count
            case .time: Int.max
            }
        let result = await onThread {
            Result {
                try explorer.exploreAll(most: most) { isOver() || end.map { $0 < .now } == true }
            }
        }
        do {
            let (outcome, isComplete) = try result.get()
            return ExploredCell(plan: cell, expected: expected, outcome: outcome, isComplete: isComplete)
        } catch {
            throw BenchError(.badInput, "\(error)")
        }
    }

    /// Runs work that keeps a thread busy on a thread of its own.
    private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            // Not of a queue: its threads are as few as the cores, and a signal's handler needs one.
            Thread { continuation.resume(returning: work()) }.start()
        }
    }
}

/// The seeds of a cell, handed out in slices to those who explore it.
private final class Slices: Sendable {
    private static let width: UInt64 = 256
    private let state: Mutex<(next: UInt64, end: UInt64)>
    private let first: UInt64

    init(from seed: UInt64, schedules: ExplorePlan.Length) {
        let end: UInt64 =
            switch schedules {
            case .schedules(let count): seed &+ UInt64(count)
            case .time: .max
            }
        state = Mutex((seed, max(end, seed)))
        first = seed
    }

    /// Seeds so far.
    var handedOut: UInt64 { state.withLock { $0.next - first } }

    func next() -> Range<UInt64>? {
        state.withLock { state in
            guard state.next < state.end else { return nil }
            let end = min(state.end, state.next + min(Self.width, state.end - state.next))
            defer { state.next = end }
            return state.next..<end
        }
    }

    func close() { state.withLock { $0.end = $0.next } }
}

/// Raised by a signal.
final class InterruptFlag: Sendable {
    private let flag = Atomic(false)

    var isRaised: Bool { flag.load(ordering: .relaxed) }

    func raise() { flag.store(true, ordering: .relaxed) }
}
