import LabTesting
import Testing

@testable import LockStrategies

/// One timer for all who wait: whom it wakes, and when it is gone; and what is kept of a lock. Time stands
/// still until the test moves it.
@Suite("The room in which tasks wait for locks", .timeLimit(.minutes(1)))
struct WaitingRoomTests {
    private let clock = ManualClock()
    private let key = LockKey("a")

    private func lease(for seconds: Int) -> Lease {
        Lease(
            key: key, token: LeaseToken(random: .system), fence: nil,
            validUntil: clock.now + .seconds(seconds))
    }

    /// Looks, and waits until woken; true as soon as it is.
    private func sleeping(_ place: WaitingRoom.Place) -> Task<Bool, Never> {
        Task {
            await place.signal.wait()
            return true
        }
    }

    @Test("wakes each at its own deadline, however they came, and ends with the last one")
    func deadlines() async throws {
        let room = WaitingRoom(clock: clock)
        let places = (0..<3).map { _ in room.enter(key, timeToLive: .seconds(9)) }
        #expect(room.turn(of: places[0], before: clock.now + .seconds(9), now: clock.now).turn == .ask)
        for (place, patience) in zip(places[1...], [5, 2]) {
            let turn = room.turn(of: place, before: clock.now + .seconds(patience), now: clock.now).turn
            #expect(turn == .wait(until: nil))
        }
        let (slow, quick) = (sleeping(places[1]), sleeping(places[2]))
        try await waitUntil { clock.wakeUps == [clock.now + .seconds(2)] }
        clock.advance(by: .seconds(2))
        #expect(await quick.value)
        // The other one's moment is three seconds away.
        try await waitUntil { clock.wakeUps == [clock.now + .seconds(3)] }
        clock.advance(by: .seconds(3))
        #expect(await slow.value)
        for place in places { _ = room.leave(place, now: clock.now) }
        try await waitUntil { clock.wakeUps.isEmpty }
    }

    @Test("no timer is left when the last one leaves before its moment")
    func leftEarly() async throws {
        let room = WaitingRoom(clock: clock)
        let places = (0..<2).map { _ in room.enter(key, timeToLive: .seconds(9)) }
        _ = room.turn(of: places[1], before: clock.now + .seconds(5), now: clock.now)
        try await waitUntil { clock.wakeUps.count == 1 }
        _ = room.leave(places[1], now: clock.now)
        _ = room.leave(places[0], now: clock.now)
        try await waitUntil { clock.wakeUps.isEmpty }
    }

    @Test("who is first after a hand-over looks when the new lease ends, although nothing woke it")
    func newLease() async throws {
        let room = WaitingRoom(clock: clock)
        let places = (0..<3).map { _ in room.enter(key, timeToLive: .seconds(9)) }
        let held = lease(for: 60)
        _ = room.turn(of: places[0], before: clock.now + .seconds(90), now: clock.now)
        _ = room.leave(places[0], with: held, now: clock.now)
        for place in places[1...] {
            _ = room.turn(of: place, before: clock.now + .seconds(90), now: clock.now)
        }
        let last = sleeping(places[2])
        let heir = try #require(room.heir(of: held))
        #expect(heir.ticket == places[1].ticket)
        let handed = lease(for: 10)
        #expect(room.handedOver(handed, nil, to: heir))
        try await waitUntil { clock.wakeUps.contains(handed.validUntil) }
        clock.advance(by: .seconds(10))
        #expect(await last.value)
        #expect(room.turn(of: places[2], before: clock.now + .seconds(80), now: clock.now).turn == .ask)
    }

    /// One task after the other takes the lock, with a moment between in which nobody wants it.
    ///
    /// - Returns: The runs of the lock, in ms: from a grant to the first moment at which it is left free.
    private func runs(_ count: Int, of key: LockKey, in room: WaitingRoom) -> [Int] {
        (0..<count).map { _ in
            let begin = clock.now
            let first = room.enter(key, timeToLive: .seconds(9))
            room.granted(first, after: 1, now: begin)
            let milliseconds = (1...).first { room.mustYield(first, now: begin + .milliseconds($0)) }
            room.granted(first, after: 1, now: begin)
            _ = room.leave(first, now: begin)
            return milliseconds ?? 0
        }
    }

    @Test("a lock that nobody wants for a moment keeps how long a run may be, and others do not have it")
    func remembered() {
        let room = WaitingRoom(clock: clock)
        #expect(runs(7, of: key, in: room) == [20, 40, 80, 160, 320, 640, 640])
        #expect(runs(1, of: LockKey("b"), in: room) == [20])
        #expect(runs(1, of: key, in: room) == [640])
    }

    @Test("runs of no more locks are remembered than the room has place for")
    func bounded() {
        let room = WaitingRoom(clock: clock)
        #expect(runs(2, of: key, in: room) == [20, 40])
        for index in 0..<WaitingRoom.rememberedRuns {
            #expect(runs(1, of: LockKey("lock \(index)"), in: room) == [20])
        }
        #expect(runs(1, of: key, in: room) == [20])
    }
}
