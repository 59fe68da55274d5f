import BenchLoad
import BenchModel
import LockStrategies
import Testing

@testable import LabBenchKit

@Suite("The live lines of a terminal")
struct LiveBoardTests {
    private let up = "\u{1B}[2A\r\u{1B}[J"

    @Test("are one for each strategy, drawn over what they said before")
    func update() {
        var board = LiveBoard(["lua-atomic", "redlock"], width: 80)
        #expect(board.update("redlock", "1") == "lua-atomic  waits\nredlock     1\n")
        #expect(board.update("lua-atomic", "2") == up + "lua-atomic  2\nredlock     1\n")
        #expect(board.update("unknown", "3") == "")
    }

    @Test("stay below what is said for good, and go away when asked")
    func say() {
        var board = LiveBoard(["lua-atomic", "redlock"], width: 80)
        #expect(board.clear() == "")
        _ = board.update("redlock", "1")
        #expect(board.say("done") == up + "done\nlua-atomic  waits\nredlock     1\n")
        #expect(board.clear() == up)
        #expect(board.clear() == "")
    }

    @Test("never wrap")
    func cut() {
        var board = LiveBoard(["lua-atomic"], width: 30)
        let drawn = board.update("lua-atomic", String(repeating: "#", count: 100))
        #expect(drawn == "lua-atomic  " + String(repeating: "#", count: 17) + "\n")
    }

    private static let step = LoadProgress(
        share: 0.5, successesPerSecond: 12_345, p99Microseconds: 1_234_000, errors: 7,
        recentRates: (1...24).map { Double($0) })

    @Test(
        "tell progress, rate, p99, errors and how it went in a terminal of any usual width",
        arguments: [80, 100, 120, 200])
    func widths(width: Int) {
        var board = LiveBoard(StrategyRegistry.builtIn.names, width: width)
        let line = LiveLine(place: "[39/41]", model: .poisson, progress: Self.step)
        let drawn = board.update("setnx-backoff", line)
        let text = drawn.split(separator: "\n").first { $0.hasPrefix("setnx-backoff") } ?? ""
        #expect(text.count < width)
        for part in ["12,345/s", "p99 1,234 ms", "7 errors"] { #expect(text.contains(part), "\(part)") }
        #expect(text.contains("50 %") || text.contains("[########........]"))
        // At least ten steps, the newest ones.
        #expect(text.hasSuffix("▅▆▆▆▇▇▇▇██"))
        #expect(text.contains("[39/41]") == (width >= 100))
    }

    @Test("leave out the sparkline's old end first, then nothing else")
    func narrow() {
        let line = LiveLine(place: "[1/2]", model: .closed, progress: Self.step)
        #expect(line.text(columns: 40) == " 50 % 12,345/s   p99 1,234 ms 7 errors █")
    }
}
