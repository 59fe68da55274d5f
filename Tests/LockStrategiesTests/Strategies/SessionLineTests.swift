import LabTesting
import Testing

@testable import LockStrategies

/// No server: who may ask, and by which number.
@Suite("The line for a session of PostgreSQL")
struct SessionLineTests {
    private let key = LockKey("a")
    private let other = LockKey("b")

    @Test("the first of each key may ask; when it leaves, the next one is woken")
    func order() {
        var line = SessionLine<Int>()
        let places = (0..<4).map { line.enter(key, $0) }
        let lonely = line.enter(other, 9)
        #expect(places.map { line.isFirst($0) } == [true, false, false, false] && line.isFirst(lonely))
        #expect(line.leave(places[1]) == nil, "who was not the first wakes nobody")
        #expect(line.count(of: key) == 3)
        #expect(line.leave(places[0]) == 2)
        #expect(line.isFirst(places[2]))
        #expect(line.leave(places[0]) == nil, "nobody leaves twice")
        #expect(line.leave(places[2]) == 3, "in the order in which they came")
        #expect(line.leave(places[3]) == nil && line.leave(lonely) == nil)
        #expect(line.count(of: key) == 0)
    }

    @Test("products have their own numbers, and no other key has one of theirs")
    func numbers() {
        let products: [Int64] = [0, 1, 2, 4_294_967_296, 1 << 47 - 1]
        let numbers = products.map { AdvisoryNumber.number(of: ProductKeys(ProductID($0)).lock) }
        #expect(numbers == products.map { 0x4C4B_0000_0000_0000 + $0 })
        // Too great, or no product's: hashed, behind a bit that no product has.
        let names = [
            "lock:stock:{140737488355328}", "lock:stock:{-1}", "lock:stock:{+1}", "lock:stock:{01}", "",
        ]
        let hashed = (names + ["lock:stock:{1} "]).map { AdvisoryNumber.number(of: LockKey($0)) }
        #expect(hashed.allSatisfy { $0 >> 47 == 0x4C4B << 1 | 1 })
        #expect(Set(hashed).count == 6)
    }

    @Test("without a server: grants, contends, and gives back by token")
    func scripted() async throws {
        let sessions = ScriptedAdvisoryLocks()
        let lock = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .seeded(1))
        let rival = AdvisoryLock(sessions: sessions, clock: ContinuousClock(), random: .seeded(2))
        let lease = try await lock.granted(key)
        #expect(sessions.held.count == 1)
        guard case .contended = try await rival.acquire(key, timeToLive: .seconds(1), deadline: .now) else {
            Issue.record("two hold it")
            return
        }
        #expect(rival.waitingCount(of: key) == 0)
        await lock.abandon(lease)
        #expect(sessions.ended == 1 && sessions.held.isEmpty)
        #expect(try await rival.release(rival.granted(key)) == .released)
    }
}
