import LockStrategies
import Synchronization
import Testing

@testable import InventoryService

@Suite("Reservation ids") struct ReservationIDsTests {
    /// A wall clock that stands until it is set.
    private final class SetClock: Sendable {
        let time: Mutex<Timestamp>

        init(milliseconds: Int64) { time = Mutex(Timestamp(microseconds: milliseconds * 1000)) }

        var clock: WallClock { WallClock { self.time.withLock { $0 } } }

        func set(milliseconds: Int64) {
            time.withLock { $0 = Timestamp(microseconds: milliseconds * 1000 + 999) }
        }
    }

    /// 2026-11-29 in milliseconds.
    private static let start: Int64 = 1_795_000_000_000

    private func texts(_ ids: ReservationIDs, _ count: Int) -> [String] {
        (0..<count).map { _ in ids.next().description }
    }

    private func rises(_ texts: [String]) -> Bool { zip(texts, texts.dropFirst()).allSatisfy(<) }

    @Test("are 32 hexadecimal digits: the milliseconds, a counter, and chance")
    func form() {
        let ids = ReservationIDs(random: .seeded(1), clock: SetClock(milliseconds: Self.start).clock)
        let made = texts(ids, 3)
        #expect(made.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
        #expect(made.map { $0.prefix(16) } == ["01a1ee565e000000", "01a1ee565e000001", "01a1ee565e000002"])
        #expect(made.allSatisfy { ReservationID(stored: $0)?.description == $0 })
    }

    @Test("rise within a millisecond and from one to the next")
    func rising() {
        let time = SetClock(milliseconds: Self.start)
        let ids = ReservationIDs(clock: time.clock)
        var made = texts(ids, 1000)
        time.set(milliseconds: Self.start + 1)
        made += texts(ids, 1000)
        time.set(milliseconds: Self.start + 90_000_000)
        made += texts(ids, 1000)
        #expect(rises(made))
        #expect(made[1000].dropFirst(12).prefix(4) == "0000")
    }

    @Test("rise when the clock goes back")
    func clockGoesBack() {
        let time = SetClock(milliseconds: Self.start)
        let ids = ReservationIDs(clock: time.clock)
        var made = texts(ids, 2)
        time.set(milliseconds: Self.start - 3_600_000)
        made += texts(ids, 2)
        time.set(milliseconds: Self.start + 1)
        made += texts(ids, 2)
        #expect(rises(made))
    }

    @Test("rise when one millisecond has more than the counter counts")
    func counterIsUsedUp() {
        let ids = ReservationIDs(clock: SetClock(milliseconds: Self.start).clock)
        let made = texts(ids, 70_000)
        #expect(rises(made))
        #expect(made[65_535].prefix(16) == "01a1ee565e00ffff")
        #expect(made[65_536].prefix(16) == "01a1ee565e010000")
    }

    @Test("end in 64 bits of the source of chance, each of which is drawn anew")
    func chance() {
        let clock = SetClock(milliseconds: Self.start).clock
        let ids = ReservationIDs(clock: clock)
        let tails = texts(ids, 2000).compactMap { UInt64($0.suffix(16), radix: 16) }
        #expect(Set(tails).count == 2000)
        for bit in 0..<64 {
            let ones = tails.count { $0 >> UInt64(bit) & 1 == 1 }
            // Nine standard deviations.
            #expect((800...1200).contains(ones), "bit \(bit)")
        }
        // Two services that began at the same moment.
        #expect(ids.next() != ReservationIDs(clock: clock).next())
    }

    @Test("are the same again with the same seed and the same clock")
    func repeatable() {
        func made(_ seed: UInt64) -> [String] {
            let time = SetClock(milliseconds: Self.start)
            let ids = ReservationIDs(random: .seeded(seed), clock: time.clock)
            let first = texts(ids, 5)
            time.set(milliseconds: Self.start + 7)
            return first + texts(ids, 5)
        }
        #expect(made(7) == made(7))
        #expect(made(7) != made(8))
    }

    @Test("are one for each of many tasks")
    func manyTasks() async {
        let ids = ReservationIDs(clock: SetClock(milliseconds: Self.start).clock)
        let prefixes = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1000).map { _ in String(ids.next().description.prefix(16)) } }
            }
            return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
        }
        #expect(prefixes.count == 8000)
    }
}
