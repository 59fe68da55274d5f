import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Catalogue")
struct CatalogueTests {
    private static func lock(_ id: StrategyID) throws -> (any LeaseLock)? {
        let silent = ScriptedRedis { _ throws(RedisError) in .null }
        return try StrategyCatalogue(
            stock: silent, lockNodes: [LockNode(name: "only", redis: silent)], clock: SkippingClock()
        ).lock(id)
    }

    @Test(
        "a strategy has a lock exactly when its traits say that it grants leases",
        arguments: StrategyID.allCases)
    func leases(id: StrategyID) throws {
        #expect((try Self.lock(id) != nil) == id.traits.abilities.contains(.leases))
    }

    @Test("no two strategies say the same of themselves")
    func summaries() {
        #expect(Set(StrategyID.allCases.map(\.traits.summary)).count == StrategyID.allCases.count)
    }
}
