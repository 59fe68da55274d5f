import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct WriteQueueTests {
    private let start = ContinuousClock.now

    @Test("First come, first served, in parts of the size that is asked for")
    func order() {
        var queue = WriteQueue<Int>(limit: 9, patience: .seconds(2))
        for number in 0..<5 { _ = queue.add(number, at: start) }
        let first = queue.take(2)
        _ = queue.add(5, at: start)
        let second = queue.take(9)
        let third = queue.take(1)
        #expect(first == [0, 1])
        #expect(second == [2, 3, 4, 5])
        #expect(third.isEmpty)
        #expect(queue.isEmpty)
    }

    @Test("Past its limit it takes nobody in, and again when somebody has left")
    func limit() {
        var queue = WriteQueue<Int>(limit: 2, patience: .seconds(2))
        let added = (0..<3).map { queue.add($0, at: start) }
        #expect(added == [true, true, false])
        #expect(queue.count == 2)
        let taken = queue.take(1)
        let isAdded = queue.add(3, at: start)
        #expect(taken == [0])
        #expect(isAdded)
    }

    @Test("Who has waited for the patience leaves, the others stay")
    func patience() {
        var queue = WriteQueue<Int>(limit: 9, patience: .seconds(2))
        #expect(queue.nextDeadline == nil)
        _ = queue.add(0, at: start)
        _ = queue.add(1, at: start + .seconds(1))
        #expect(queue.nextDeadline == start + .seconds(2))
        let early = queue.expire(at: start + .milliseconds(1999))
        let due = queue.expire(at: start + .seconds(2))
        #expect(early.isEmpty)
        #expect(due == [0])
        #expect(queue.nextDeadline == start + .seconds(3))
        let last = queue.expire(at: start + .seconds(9))
        #expect(last == [1])
        #expect(queue.isEmpty)
    }
}
