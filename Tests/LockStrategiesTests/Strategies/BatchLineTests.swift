import Testing

@testable import LockStrategies

@Suite("Who goes with which batch")
struct BatchLineTests {
    private let now = ContinuousClock.now

    private func line(waiting: Int, largest: Int = 256) -> BatchLine<Int> {
        var line = BatchLine<Int>(largest: largest)
        for member in 0...waiting {
            _ = line.enter(member, ticket: UInt64(member), deadline: now + .seconds(1))
        }
        return line
    }

    @Test("who comes when nobody is under way goes at once and alone")
    func neverHeldBack() {
        var line = BatchLine<Int>(largest: 256)
        guard case .lead(let batch) = line.enter(7, ticket: 1, deadline: now) else {
            Issue.record("held back")
            return
        }
        #expect(batch == [7])
        guard case .wait = line.enter(8, ticket: 2, deadline: now + .seconds(1)) else {
            Issue.record("went beside the batch under way")
            return
        }
    }

    @Test("all that wait go next, in order of arrival, and the line is idle after the last")
    func order() {
        var line = line(waiting: 5)
        var departed = line.depart(now: now).next
        #expect(departed == [1, 2, 3, 4, 5])
        #expect(!line.isIdle)
        departed = line.depart(now: now).next
        #expect(departed == [])
        #expect(line.isIdle)
    }

    @Test("a batch has a largest size; the rest keep their order")
    func largest() {
        var line = line(waiting: 5, largest: 2)
        var departed = line.depart(now: now).next
        #expect(departed == [1, 2])
        departed = line.depart(now: now).next
        #expect(departed == [3, 4])
        departed = line.depart(now: now).next
        #expect(departed == [5])
    }

    @Test("who has waited past its deadline does not go, also when no room is left in the batch")
    func expired() {
        var line = BatchLine<Int>(largest: 1)
        _ = line.enter(0, ticket: 0, deadline: now)
        _ = line.enter(1, ticket: 1, deadline: now + .seconds(2))
        _ = line.enter(2, ticket: 2, deadline: now + .seconds(1))
        let departure = line.depart(now: now + .seconds(1))
        #expect(departure.next == [1])
        #expect(departure.expired == [2])
    }

    @Test("who leaves does not go, and leaves only once")
    func leave() {
        var line = line(waiting: 3)
        let left = [line.leave(2), line.leave(2)]
        #expect(left == [true, false])
        let departed = line.depart(now: now).next
        #expect(departed == [1, 3])
        let leftUnderWay = line.leave(1)
        #expect(!leftUnderWay)
    }
}
