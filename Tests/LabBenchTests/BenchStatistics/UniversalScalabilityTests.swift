import BenchStatistics
import Testing

@Suite("The universal scalability law")
struct UniversalScalabilityTests {
    private static let users = [1.0, 2, 4, 8, 16, 32, 64, 128]

    private func loads(_ perUser: Double, _ contention: Double, _ coherency: Double) -> [UniversalScalability
        .Load]
    {
        Self.users.map { users in
            let row = 1 + contention * (users - 1) + coherency * users * (users - 1)
            return .init(users: users, perSecond: perUser * users / row)
        }
    }

    @Test(
        "finds the numbers that a curve was made from",
        arguments: [(1000.0, 0.05, 0.0001), (250, 0.9, 0), (10, 0, 0.01), (33, 0, 0)])
    func exact(perUser: Double, contention: Double, coherency: Double) throws {
        let law = try #require(UniversalScalability(loads(perUser, contention, coherency)))
        #expect(abs(law.perUser / perUser - 1) < 1e-6)
        #expect(abs(law.contention - contention) < 1e-6)
        #expect(abs(law.coherency - coherency) < 1e-6)
        #expect(law.residuals.allSatisfy { abs($0) < 1e-6 })
        #expect(law.curve.first?.users == 1)
        #expect(abs((law.curve.last?.users ?? 0) - 128) < 1e-6)
    }

    @Test("says where the curve is highest, and nowhere when it only rises")
    func best() throws {
        let bent = try #require(UniversalScalability(loads(1000, 0.04, 0.0006)))
        #expect(abs((bent.bestUsers ?? 0) - 40) < 0.01)
        #expect(try #require(UniversalScalability(loads(1000, 0.1, 0))).bestUsers == nil)
    }

    @Test("never has a negative part, and shows in its residuals what it does not explain")
    func superlinear() throws {
        let faster = Self.users.map {
            UniversalScalability.Load(users: $0, perSecond: 10 * $0 * (1 + $0 / 256))
        }
        let law = try #require(UniversalScalability(faster))
        #expect(law.contention >= 0 && law.coherency >= 0)
        #expect(law.residuals.contains { abs($0) > 0.1 })
        #expect(law.residuals.count == faster.count)
    }

    @Test("is not fitted to fewer than six loads, nor to what sold nothing")
    func tooFew() {
        let all = loads(100, 0.1, 0)
        #expect(UniversalScalability(Array(all.prefix(5))) == nil)
        #expect(UniversalScalability(Array(all.prefix(6))) != nil)
        #expect(UniversalScalability([all[0], all[0], all[0], all[1], all[2], all[3]]) == nil)
        #expect(UniversalScalability(all + [.init(users: 256, perSecond: 0)]) == nil)
    }
}
