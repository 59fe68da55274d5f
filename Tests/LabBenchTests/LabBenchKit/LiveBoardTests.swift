import BenchLoad
import BenchModel
import Foundation
import LockStrategies
import Testing

@testable import LabBenchKit

@Suite("The live lines of a terminal")
struct LiveBoardTests {
    private static func line(
        _ model: LoadModel = .closed, swept: String? = nil, rate: Double = 12_345, errors: Int = 0
    ) -> LiveLine {
        LiveLine(
            model: model, swept: swept,
            progress: LoadProgress(
                share: 0.5, successesPerSecond: rate, p99Microseconds: 1_234_000, errors: errors,
                recentRates: (1...24).map { Double($0) }))
    }

    private static func rows(_ drawn: String) -> [String] {
        drawn.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test("say how far the run is, then one line for each strategy, drawn over what they said before")
    func update() {
        var board = LiveBoard(["lua-atomic", "redlock"], loads: [.closed], width: 80)
        let first = Self.rows(board.update("redlock", Self.line(), status: "trial 1 of 2"))
        #expect(first[0] == "trial 1 of 2")
        #expect(first[1].hasSuffix("closed"))
        #expect(first[2] == "lua-atomic  waits")
        #expect(first[3].hasPrefix("redlock     12,345/s   p99 1,234 ms"))
        let second = board.update("lua-atomic", Self.line(rate: 7), status: "trial 2 of 2")
        #expect(second.hasPrefix("\u{1B}[4A\r\u{1B}[Jtrial 2 of 2\n"))
        #expect(second.contains("redlock     12,345/s"))
        #expect(board.update("unknown", Self.line(), status: "") == "")
    }

    @Test("keep what each load has shown in a column of its own")
    func columns() {
        var board = LiveBoard(["lua-atomic"], loads: [.closed, .poisson], width: 100)
        _ = board.update("lua-atomic", Self.line(.closed), status: "")
        _ = board.finish("lua-atomic", Self.line(.closed, rate: 9_000))
        let rows = Self.rows(board.update("lua-atomic", Self.line(.poisson, rate: 485), status: ""))
        let closed = rows[2].range(of: "9,000/s")
        let open = rows[2].range(of: "485/s")
        let title = rows[1].range(of: "poisson")
        #expect(closed != nil)
        #expect(
            open.map { rows[2].distance(from: rows[2].startIndex, to: $0.lowerBound) }
                == title.map { rows[1].distance(from: rows[1].startIndex, to: $0.lowerBound) })
    }

    @Test("name what a sweep changes")
    func swept() {
        var board = LiveBoard(["lua-atomic"], loads: [.closed], width: 80)
        #expect(board.update("lua-atomic", Self.line(swept: "8 users"), status: "").contains("8 users"))
    }

    @Test("stay below what is said for good, and go away when asked")
    func say() {
        var board = LiveBoard(["lua-atomic", "redlock"], loads: [.closed], width: 80)
        let up = "\u{1B}[4A\r\u{1B}[J"
        #expect(board.clear() == "")
        _ = board.update("redlock", Self.line(), status: "s")
        #expect(board.say("done").hasPrefix(up + "done\ns\n"))
        #expect(board.clear() == up)
        #expect(board.clear() == "")
    }

    @Test("never wrap", arguments: [24, 30, 60, 80, 120])
    func cut(width: Int) {
        var board = LiveBoard(StrategyRegistry.builtIn.names, loads: [.closed, .poisson], width: width)
        let drawn = board.update(
            "setnx-backoff", Self.line(errors: 1_000), status: String(repeating: "x", count: 200))
        for row in Self.rows(drawn) { #expect(row.count < width) }
    }

    @Test(
        "tell rate, p99, progress, errors and how it went in a terminal of any usual width",
        arguments: [80, 100, 120, 200])
    func widths(width: Int) {
        var board = LiveBoard(StrategyRegistry.builtIn.names, loads: [.closed], width: width)
        let drawn = board.update("setnx-backoff", Self.line(errors: 7), status: "")
        let text = Self.rows(drawn).first { $0.hasPrefix("setnx-backoff") } ?? ""
        for part in ["12,345/s", "p99 1,234 ms", " 50 %", "7 errors"] { #expect(text.contains(part)) }
        // The newest steps.
        #expect(text.hasSuffix("▅▆▆▆▇▇▇▇██"))
    }
}

@Suite("How far a run is")
struct RunClockTests {
    private let start = ContinuousClock.Instant.now

    @Test("is said by trial, by time that passed, and by time that is left as planned")
    func planned() {
        var clock = RunClock(expected: .seconds(1_000), at: start)
        clock.passed(.seconds(50))
        let text = clock.text(trial: 7, of: 101, part: .seconds(10), share: 0.5, at: start + .seconds(60))
        #expect(text == "trial 7 of 101, 1 min passed, about 16 min left")
    }

    @Test("follows the machine when a tenth of the run has shown how slow it is")
    func slow() {
        var clock = RunClock(expected: .seconds(100), at: start)
        clock.passed(.seconds(50))
        let text = clock.text(trial: 5, of: 10, part: .seconds(10), share: 0, at: start + .seconds(100))
        #expect(text == "trial 5 of 10, 1 min 40 s passed, about 1 min 40 s left")
    }

    @Test("counts a part that has to be done again twice")
    func again() {
        var clock = RunClock(expected: .seconds(40), at: start)
        clock.passed(.seconds(10))
        clock.repeats(.seconds(10))
        clock.passed(.seconds(10))
        let text = clock.text(trial: 2, of: 4, part: .seconds(10), share: 0, at: start + .seconds(20))
        #expect(text == "trial 2 of 4, 20 s passed, about 30 s left")
    }

    @Test("never promises less than nothing")
    func over() {
        var clock = RunClock(expected: .seconds(10), at: start)
        clock.passed(.seconds(20))
        #expect(
            clock.text(trial: 2, of: 2, part: .seconds(10), share: 1, at: start + .seconds(40))
                .hasSuffix("about 0 s left"))
    }
}
