import Testing

@testable import LockStrategies

@Suite("Who goes with which batch")
struct BatchLineTests {
    private let now = ContinuousClock.now

    /// A call of member 0 is under way, and so many wait.
    private func line(waiting: Int, largest: Int = 256, leastOfSecond: Int = 1000) -> BatchLine<Int> {
        var line = BatchLine<Int>(largest: largest, leastOfSecond: leastOfSecond)
        for member in 0...waiting { enter(member, &line) }
        return line
    }

    /// - Returns: Who leaves at once, when somebody does.
    @discardableResult
    private func enter(
        _ member: Int, _ line: inout BatchLine<Int>, patience: Duration = .seconds(1)
    ) -> [Int]? {
        let entry = line.enter(member, ticket: UInt64(member), deadline: now + patience, now: now)
        switch entry {
        case .lead(let call): return call.members
        case .wait(let departure): return departure.next?.members
        }
    }

    private func afterReturn(of number: UInt64, _ line: inout BatchLine<Int>) -> [Int]? {
        line.returned(number, now: now).next?.members
    }

    private func afterWriting(_ number: UInt64, _ line: inout BatchLine<Int>) -> [Int]? {
        line.written(number, now: now).next?.members
    }

    @Test("who comes when nobody is under way goes at once and alone")
    func neverHeldBack() {
        var line = BatchLine<Int>(largest: 256, leastOfSecond: 2)
        #expect(enter(7, &line) == [7])
        #expect(enter(8, &line) == nil)
    }

    @Test("all that wait go next, in order of arrival, and the line is idle after the last")
    func order() {
        var line = line(waiting: 5)
        #expect(afterReturn(of: 1, &line) == [1, 2, 3, 4, 5])
        #expect(!line.isIdle)
        #expect(afterReturn(of: 2, &line) == nil)
        #expect(line.isIdle)
    }

    @Test("a batch has a largest size; the rest keep their order")
    func largest() {
        var line = line(waiting: 5, largest: 2)
        #expect(afterReturn(of: 1, &line) == [1, 2])
        #expect(afterReturn(of: 2, &line) == [3, 4])
        #expect(afterReturn(of: 3, &line) == [5])
    }

    @Test("who has waited past its deadline does not go, also when no room is left in the batch")
    func expired() {
        var line = BatchLine<Int>(largest: 1, leastOfSecond: 1000)
        enter(0, &line)
        enter(1, &line, patience: .seconds(2))
        enter(2, &line, patience: .seconds(1))
        let departure = line.returned(1, now: now + .seconds(1))
        #expect(departure.next?.members == [1])
        #expect(departure.expired == [2])
    }

    @Test("who leaves does not go, and leaves only once")
    func leave() {
        var line = line(waiting: 3)
        let left = [line.leave(2), line.leave(2)]
        #expect(left == [true, false])
        #expect(afterReturn(of: 1, &line) == [1, 3])
        let leftUnderWay = line.leave(1)
        #expect(!leftUnderWay)
    }

    @Test("a second call leaves when the first was written and enough wait, a third one never")
    func second() {
        var line = line(waiting: 2, leastOfSecond: 3)
        #expect(afterWriting(1, &line) == nil)
        #expect(enter(3, &line) == [1, 2, 3])
        #expect(afterWriting(2, &line) == nil)
        for member in 4...9 { #expect(enter(member, &line) == nil) }
        #expect(afterReturn(of: 1, &line) == [4, 5, 6, 7, 8, 9])
    }

    @Test("a second call waits until the first was written, so that they are carried out in their order")
    func inOrder() {
        var line = line(waiting: 5, leastOfSecond: 3)
        #expect(afterWriting(7, &line) == nil, "another call")
        #expect(enter(6, &line) == nil)
        #expect(afterWriting(1, &line) == [1, 2, 3, 4, 5, 6])
    }

    @Test("behind the call that is left too few may wait: they go when it is back")
    func tooFew() {
        var line = line(waiting: 3, leastOfSecond: 3)
        #expect(afterWriting(1, &line) == [1, 2, 3])
        #expect(afterWriting(2, &line) == nil)
        #expect(enter(4, &line) == nil)
        #expect(afterReturn(of: 1, &line) == nil)
        #expect(afterReturn(of: 2, &line) == [4])
    }
}
