import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

@Suite("sharded")
struct ShardedTests {
    private typealias Strategy = Sharded<RedisClient, ContinuousClock>

    private let product = ProductID(1)

    private func strategy(_ lab: StrategyLab) -> Strategy {
        Strategy(
            redis: RedisClient(lab.server.endpoint, limits: StrategyLab.patient), clock: ContinuousClock(),
            buckets: 8)
    }

    /// A reservation whose id belongs to the bucket.
    private func reservation(_ lab: StrategyLab, bucket: Int, quantity: Int = 1) -> Reservation {
        while true {
            let reservation = lab.reservation(of: product, quantity: quantity)
            if reservation.id.bucket(of: 8) == bucket { return reservation }
        }
    }

    @Test("ids are spread evenly over the buckets, and an id always has the same one")
    func spread() {
        var counts = [Int](repeating: 0, count: 8)
        let random = RandomSource.seeded(1)
        for _ in 0..<8_000 {
            let id = ReservationID(random: random)
            counts[id.bucket(of: 8)] += 1
            #expect(id.bucket(of: 8) == ReservationID(stored: id.description)?.bucket(of: 8))
        }
        for count in counts { #expect((800...1_200).contains(count)) }
    }

    @Test("a buyer who wants all of what is left gets it from all buckets", arguments: [8, 13, 1_003])
    func gathersAll(units: Int) async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(units, of: product)
            let strategy = strategy(lab)
            #expect(try await lab.readStock(product) == units)
            let all = reservation(lab, bucket: 3, quantity: units)
            let outcome = try await strategy.reserve(all)
            #expect(outcome.isReserved)
            #expect(try await lab.readStock(product) == 0)
            let next = try await strategy.reserve(reservation(lab, bucket: 5))
            #expect(next.decision == .soldOut(remaining: 0))
        }
    }

    @Test("one unit left in one bucket is found from every other bucket", arguments: 1..<8)
    func lastUnit(bucket: Int) async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(0, of: product)
            _ = try await lab.stock.send(
                RedisCommand("SET", ProductKeys(product, bucket: bucket).stock, "1"))
            let outcome = try await strategy(lab).reserve(reservation(lab, bucket: (bucket + 3) % 8))
            #expect(outcome.isReserved)
        }
    }

    @Test("39 · units that a dead client left on the way are brought in, once", arguments: [false, true])
    func abandonedMove(hasArrived: Bool) async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(0, of: product)
            let far = ProductKeys(product, bucket: 4)
            let home = ProductKeys(product)
            _ = try await lab.stock.send(RedisCommand("SET", far.stock, "3"))
            // The dead client's first step, and where it came so far its second.
            _ = try await lab.stock.run(
                EmbeddedScripts.moveOut, keys: [far.stock, far.moves], arguments: [])
            if hasArrived {
                _ = try await lab.stock.run(
                    EmbeddedScripts.moveIn, keys: [home.stock, home.moved, home.drained],
                    arguments: ["4", "1", "3"])
            }
            #expect(try await lab.readStock(product) == 3)
            let strategy = strategy(lab)
            let outcome = try await strategy.reserve(reservation(lab, bucket: 2, quantity: 2))
            #expect(outcome.isReserved)
            #expect(try await lab.readStock(product) == 1)
            // A helper that was asleep brings the same move again.
            let late = try await lab.stock.run(
                EmbeddedScripts.moveIn, keys: [home.stock, home.moved, home.drained],
                arguments: ["4", "1", "3"])
            #expect(late.value.integer == 0)
            #expect(try await lab.readStock(product) == 1)
            let last = try await strategy.reserve(reservation(lab, bucket: 2, quantity: 1))
            #expect(last.isReserved)
            let none = try await strategy.reserve(reservation(lab, bucket: 2, quantity: 1))
            #expect(none.decision == .soldOut(remaining: 0))
        }
    }

    @Test("a move that is late does not close the one that came after it")
    func lateClose() async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(0, of: product)
            let far = ProductKeys(product, bucket: 4)
            for number in 1...2 {
                _ = try await lab.stock.send(RedisCommand("SET", far.stock, "3"))
                _ = try await lab.stock.run(
                    EmbeddedScripts.moveOut, keys: [far.stock, far.moves], arguments: [])
                if number == 1 {
                    _ = try await strategy(lab).reserve(reservation(lab, bucket: 0))
                }
            }
            let late = try await lab.stock.run(
                EmbeddedScripts.moveDone, keys: [far.moves], arguments: ["1"])
            #expect(late.value.integer == 0)
            #expect(try await lab.readStock(product) == 5)
        }
    }

    @Test("an id that was served after gathering is answered as before, also when units came back")
    func repeated() async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(80, of: product)
            let strategy = strategy(lab)
            let big = reservation(lab, bucket: 6, quantity: 50)
            let first = try await strategy.reserve(big)
            #expect(first.isReserved)
            let other = reservation(lab, bucket: 6, quantity: 1)
            _ = try await strategy.reserve(other)
            #expect(try await strategy.cancel(other.id, of: product, deadline: .now + .seconds(600)) == 1)
            let again = try await strategy.reserve(big)
            #expect(again.decision == first.decision)
            #expect(try await lab.readStock(product) == 30)
            #expect(try await lab.openReservations(product) == (50, 1))
        }
    }

    @Test("after sold out a unit that comes back is sold at once, not a second later")
    func returnedAfterSoldOut() async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(8, of: product)
            let strategy = strategy(lab)
            let mine = reservation(lab, bucket: 5)
            let taken = try await strategy.reserve(mine)
            #expect(taken.isReserved)
            let rest = try await strategy.reserve(reservation(lab, bucket: 1, quantity: 7))
            #expect(rest.isReserved)
            for _ in 0..<3 {
                let none = try await strategy.reserve(reservation(lab, bucket: 2))
                #expect(none.decision == .soldOut(remaining: 0))
            }
            #expect(try await strategy.cancel(mine.id, of: product, deadline: .now + .seconds(600)) == 1)
            let next = try await strategy.reserve(reservation(lab, bucket: 2))
            #expect(next.isReserved)
        }
    }

    @Test("when all is sold, sold out costs two commands, not a look at every bucket")
    func soldOutIsCheap() async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(0, of: product)
            let strategy = strategy(lab)
            let first = try await strategy.reserve(reservation(lab, bucket: 3))
            let second = try await strategy.reserve(reservation(lab, bucket: 3))
            #expect(first.evidence.commandsSent >= 7)
            #expect(second.evidence.commandsSent == 2)
        }
    }

    @Test("a bucket that Redis lost is unknown, not empty")
    func lostBucket() async throws {
        try await StrategyLab.run(for: .sharded) { lab in
            try await lab.setStock(8, of: product)
            _ = try await lab.stock.send(RedisCommand("DEL", ProductKeys(product, bucket: 3).stock))
            let strategy = strategy(lab)
            let here = reservation(lab, bucket: 3)
            let direct = await errorCode { () throws(StrategyError) in _ = try await strategy.reserve(here) }
            #expect(direct == .notStocked)
            let all = reservation(lab, bucket: 2, quantity: 7)
            let gathering = await errorCode { () throws(StrategyError) in _ = try await strategy.reserve(all)
            }
            #expect(gathering == .notStocked)
            #expect(try await lab.readStock(product) == nil)
        }
    }
}
