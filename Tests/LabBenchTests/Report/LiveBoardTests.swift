import Testing

@testable import lab_bench

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
}
