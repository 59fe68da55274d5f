import Testing

@testable import LabServerKit

@Suite struct RedisFactsTests {
    private func facts(memory: String, policy: String) -> RedisFacts {
        RedisFacts(info: "# Memory\r\nmaxmemory:\(memory)\r\nmaxmemory_policy:\(policy)\r\n")
    }

    @Test("The lines of INFO become values, and what a server hides is nil")
    func parsing() {
        let info = """
            # Server\r
            redis_version:7.0.15\r
            run_id:abc\r
            \r
            # Replication\r
            role:master\r
            connected_slaves:2\r
            min_slaves_good_slaves:2\r
            aof_enabled:1\r
            """
        let facts = RedisFacts(info: info)
        #expect(facts.version == "7.0.15")
        #expect(facts.runID == "abc")
        #expect(facts.role == "master")
        #expect(facts.replicas == 2)
        #expect(facts.asksForReplicas)
        #expect(facts.isAppendOnly == true)
        #expect(facts.maximumMemory == nil)
        #expect(facts.evictionPolicy == nil)
        #expect(RedisFacts(info: "") == RedisFacts(info: "# Server\r\nno colon here"))
    }

    @Test(
        "A policy other than noeviction is refused with a limit of memory, and only with one",
        arguments: [
            "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
            "volatile-ttl",
        ])
    func eviction(policy: String) {
        #expect(facts(memory: "1048576", policy: policy).evictionProblem?.contains(policy) == true)
        #expect(facts(memory: "0", policy: policy).evictionProblem == nil)
        #expect(facts(memory: "0", policy: policy).hasEvictingPolicy)
        #expect(facts(memory: "1048576", policy: "noeviction").evictionProblem == nil)
        #expect(RedisFacts(info: "").evictionProblem == nil)
    }
}
