import Testing

@testable import PostgresClient

@Suite("The line for connections") struct PoolLineTests {
    private typealias Line = PoolLine<Int, String>

    private func line(_ capacity: Int, dead: Set<Int> = []) -> Line {
        Line(capacity: capacity, isUsable: { !dead.contains($0) })
    }

    private func text(_ answer: Line.Answer) -> String {
        switch answer {
        case .turn(.use(let number)): "use \(number)"
        case .turn(.open): "open"
        case .wait(let id): "wait \(id)"
        case .closed: "closed"
        }
    }

    private func text(_ next: (String, Line.Turn)?) -> String {
        guard let (waiter, turn) = next else { return "nobody" }
        return "\(waiter): \(text(.turn(turn)))"
    }

    @Test("opens no more than there may be, and uses the one again that was used last")
    func capacity() {
        var line = line(2)
        #expect(text(line.take { "a" }) == "open")
        #expect(text(line.take { "b" }) == "open")
        #expect(text(line.take { "c" }) == "wait 1")
        #expect(text(line.giveBack(1)) == "c: use 1")
        #expect(text(line.giveBack(1)) == "nobody")
        #expect(text(line.giveBack(2)) == "nobody")
        #expect(text(line.take { "d" }) == "use 2")
        #expect((line.taken, line.idleCount, line.waiting) == (1, 1, 0))
    }

    @Test("lets the next one open a connection when one ended or could not be made")
    func replacement() {
        var line = line(1, dead: [7])
        #expect(text(line.take { "a" }) == "open")
        #expect(text(line.take { "b" }) == "wait 1")
        #expect(text(line.take { "c" }) == "wait 2")
        #expect(text(line.giveBack(nil)) == "b: open")
        #expect(text(line.giveBack(7)) == "c: open")
        #expect(text(line.giveBack(3)) == "nobody")
        #expect(text(line.take { "d" }) == "use 3")
    }

    @Test("forgets who does not wait any more")
    func leaving() {
        var line = line(1)
        _ = line.take { "a" }
        _ = line.take { "b" }
        _ = line.take { "c" }
        #expect(line.leave(1) == "b")
        #expect(line.leave(1) == nil)
        #expect(text(line.giveBack(5)) == "c: use 5")
        #expect(line.leave(2) == nil)
    }

    @Test("ends: who waits is told, what is idle is closed, and nothing is lent again")
    func closing() {
        var line = line(2)
        _ = line.take { "a" }
        _ = line.take { "b" }
        _ = line.take { "c" }
        _ = line.giveBack(nil)
        let (connections, waiters) = line.close()
        #expect(connections == [] && waiters == [])
        #expect(text(line.giveBack(4)) == "nobody")
        #expect(text(line.take { "d" }) == "closed")
    }
}
