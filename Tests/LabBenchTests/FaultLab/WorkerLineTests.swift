import FaultAudit
import Testing

@testable import FaultLab

@Suite("What a worker of the fault lab writes down")
struct WorkerLineTests {
    private static let lines: [WorkerLine] = [
        .began(id: 0, buyer: 3, at: 10), .granted(id: 0, asked: 12, at: 20, end: 320, fence: 7),
        .left(id: 0, at: 30),
        .ended(id: 0, at: 40, outcome: .ok, remaining: 99), .began(id: 1, buyer: 4, at: 50),
        .granted(id: 1, asked: 55, at: 60, end: 360, fence: nil),
    ]

    @Test("comes back the same, and a line that was cut off is none", arguments: lines)
    func same(line: WorkerLine) {
        #expect(WorkerLine(line.text) == line)
        #expect(WorkerLine(line.text.prefix(3)) == nil)
    }

    @Test(
        "says of a worker that was killed what it had begun, and until when it may have believed to be alone")
    func killed() throws {
        let operations = History.Operation.all(Self.lines, process: 2, first: 100)
        #expect(operations.map(\.id) == [100, 101])
        #expect(operations.map(\.outcome) == [.ok, .unknown])
        #expect(operations[0].remaining == 99 && operations[1].remaining == nil)
        #expect(operations[0].hold == History.Hold(from: 20, until: 30, fence: 7, left: 30, asked: 12))
        #expect(operations[1].answered == nil)
        #expect(operations[1].hold == History.Hold(from: 60, until: 360, asked: 55))
    }

    @Test("ends a hold with its lease where the holder came back later")
    func late() {
        let operations = History.Operation.all(
            [
                .began(id: 0, buyer: 0, at: 0), .granted(id: 0, asked: 1, at: 5, end: 100, fence: nil),
                .left(id: 0, at: 900),
            ], process: 0, first: 0)
        #expect(operations[0].hold?.until == 100)
    }
}
