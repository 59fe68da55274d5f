import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@Suite("The registry of strategies")
struct RegistryTests {
    private static func lock(_ entry: StrategyEntry) throws -> (any LeaseLock)? {
        let silent = ScriptedRedis { _ throws(RedisError) in .null }
        return try StrategyBuilder(
            stock: silent, lockNodes: [LockNode(name: "only", redis: silent)], clock: SkippingClock(),
            advisoryLocks: ScriptedAdvisoryLocks()
        ).lock(entry)
    }

    private static func foreign(on redis: some RedisPort) -> any LeaseLock {
        ForeignLock(redis: redis, random: .system)
    }

    @Test(
        "a strategy has a lock exactly when its traits say that it grants leases, or that sessions hold it",
        arguments: StrategyRegistry.builtIn.entries)
    func leases(strategy: StrategyEntry) throws {
        #expect((try Self.lock(strategy) != nil) == strategy.traits.takesLock)
    }

    @Test("no two strategies say the same of themselves")
    func summaries() {
        let entries = StrategyRegistry.builtIn.entries
        #expect(Set(entries.map(\.traits.summary)).count == entries.count)
        #expect(Set(entries.map(\.id)).count == entries.count)
    }

    @Test("takes a strategy from elsewhere, after the built-in ones, and builds it like them")
    func open() throws {
        let registry = try StrategyRegistry.builtIn.adding([.foreign])
        #expect(registry.entries.dropLast() == StrategyRegistry.builtIn.entries[...])
        #expect(registry.entry(named: "foreign-lock") == .foreign)
        #expect(StrategyRegistry.builtIn.entry(named: "foreign-lock") == nil)
        #expect(try Self.lock(.foreign) != nil)
    }

    @Test("a lock with a client of its own is told where its Redis is")
    func endpoint() async throws {
        let told = Mutex<[RedisEndpoint?]>([])
        let entry = StrategyEntry(lock: "own-client", summary: "-") { parts in
            told.withLock { $0.append(parts.endpoint) }
            return Self.foreign(on: parts.redis)
        }
        let endpoint = RedisEndpoint(
            .tcp(host: "127.0.0.1", port: 1), username: "me", password: Secret("mine"), database: 3)
        let client = RedisClient(endpoint)
        _ = try StrategyBuilder(stock: client, lockNodes: [], clock: SkippingClock()).lock(entry)
        _ = try Self.lock(entry)
        await client.close()
        #expect(told.withLock { $0 } == [endpoint, nil])
    }

    @Test("refuses a name that it has")
    func twice() {
        let double = StrategyEntry("redlock", traits: StrategyEntry.foreign.traits, factory: ForeignFactory())
        let error = #expect(throws: StrategyConfigurationError.self) {
            try StrategyRegistry.builtIn.adding([.foreign, double])
        }
        #expect(error?.description.contains("\"redlock\" already") == true)
        #expect(throws: StrategyConfigurationError.self) {
            try StrategyRegistry.builtIn.adding([.foreign, .foreign])
        }
    }

    @Test("a strategy whose traits hide its lock is refused when it is built")
    func hiddenLock() {
        let hidden = StrategyEntry(
            "hidden-lock", traits: StrategyTraits(summary: "-", criticalSection: "-"),
            factory: ForeignFactory())
        let error = #expect(throws: StrategyConfigurationError.self) { try Self.lock(hidden) }
        #expect(error?.description.contains("lack the ability leases") == true)
    }

    @Test("a strategy that needs a PostgreSQL is not built without one, and says what it lacks")
    func noPostgres() {
        let silent = ScriptedRedis { _ throws(RedisError) in .null }
        for entry in StrategyRegistry.builtIn.entries where entry.needsPostgres {
            let error = #expect(throws: StrategyConfigurationError.self) {
                try StrategyBuilder(stock: silent, lockNodes: [], clock: SkippingClock()).lock(entry)
            }
            #expect(error?.description == "it takes its lock in a PostgreSQL, and none is given")
        }
        #expect(StrategyRegistry.builtIn.entries.filter(\.needsPostgres).map(\.name) == ["pg-advisory"])
    }

    @Test(
        "a name fits into a file name, a metric label and a cell of CSV",
        arguments: ["", "Redlock", "my lock", "my,lock", "1st", "-lock", "lock/..", "läufer", "a\n", "a_b"]
            + [String(repeating: "a", count: 41)])
    func names(text: String) {
        #expect(StrategyID(rawValue: text) == nil)
    }

    @Test(
        "guesses the name that was meant, and guesses nothing where none is near",
        arguments: [
            ("redlok", "redlock"), ("Redlock", "redlock"), ("lua", "lua-atomic"), ("setnx-spn", "setnx-spin"),
            ("lua_atomic", "lua-atomic"), ("sqlrow", "sql-row"), ("zookeeper", nil), ("x", nil), ("", nil),
        ] as [(String, String?)])
    func suggestion(typed: String, meant: String?) {
        #expect(StrategyRegistry.builtIn.suggestion(for: typed) == meant)
        let complaint = StrategyRegistry.builtIn.complaint(about: typed)
        #expect(complaint.contains("did you mean") == (meant != nil))
        #expect(complaint.contains("setnx-backoff"))
    }
}
