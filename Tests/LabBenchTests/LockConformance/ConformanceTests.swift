import LockConformance
import LockStrategies
import Synchronization
import Testing

@Suite("The clauses of conformance", .serialized, .timeLimit(.minutes(6)))
struct ConformanceTests {
    private static let locks = StrategyRegistry.builtIn.entries.filter { LockUnderTest($0) != nil }

    @Test("hold for every strategy that takes a lock, as the test suite says", arguments: locks)
    func strategies(entry: StrategyEntry) async throws {
        let lock = try #require(LockUnderTest(entry))
        let findings = await Conformance.judge([lock])
        #expect(findings.map(\.clause) == Clause.all)
        for finding in findings where !finding.isGood { Issue.record("\(finding)") }
        let skipped = Set(findings.filter { $0.verdict == .notApplicable }.map(\.clause.id))
        var expected: Set = ["wall-clock"]
        if !entry.needsLockNodes { expected.insert("quorum") }
        if !entry.traits.abilities.contains(.fencing) { expected.insert("fences") }
        #expect(skipped == expected)
    }

    @Test("are about no strategy without a lock, and about none whose lock is in PostgreSQL")
    func lockFree() {
        let free = StrategyRegistry.builtIn.entries.filter { LockUnderTest($0) == nil }
        #expect(
            free.map(\.name) == [
                "unguarded", "optimistic", "lua-atomic", "combining", "sharded", "sql-row", "pg-advisory",
            ])
    }

    @Test("have names of their own, a number of the suite, and a sentence each")
    func names() {
        #expect(Set(Clause.all.map(\.id)).count == Clause.all.count)
        for clause in Clause.all {
            #expect(StrategyID(rawValue: clause.id) != nil && Clause.named(clause.id) == clause)
            #expect(!clause.numbers.isEmpty && clause.title.hasSuffix("."), "\(clause.id)")
        }
        #expect(Clause.named("no-such") == nil)
    }

    @Test("convict a lock that grants everything, and show the two holders")
    func grantsAll() async throws {
        let lock = LockUnderTest("open door") { _ in LockClient(OpenDoor()) }
        let finding = await Clause.all[0].judge(lock)
        #expect(finding.verdict == .fail, "\(finding)")
        #expect(finding.steps.count == 2, "\(finding)")
        #expect(finding.reason?.contains("was granted the key while") == true)
    }

    @Test("end when a lock never answers, and say so")
    func silent() async throws {
        let lock = LockUnderTest("wall") { _ in LockClient(Wall()) }
        let clause = try #require(Clause.named("second-release"))
        let finding = await clause.judge(lock)
        #expect(finding.verdict == .unknown, "\(finding)")
        #expect(finding.reason?.contains("no answer within 12 s") == true, "\(finding)")
    }

    @Test("are unknown where no client can be made, and end what was started")
    func noClient() async throws {
        struct NoClient: Error {}
        let closed = Atomic<Int>(0)
        let opened = Atomic<Int>(0)
        let lock = LockUnderTest("half") { _ in
            guard opened.add(1, ordering: .relaxed).newValue < 2 else { throw NoClient() }
            return LockClient(OpenDoor()) { closed.add(1, ordering: .relaxed) }
        }
        let finding = await Clause.all[0].judge(lock)
        #expect(finding.verdict == .unknown && finding.reason == "NoClient()", "\(finding)")
        #expect(closed.load(ordering: .relaxed) == 1)
    }

    @Test("stop when their task is cancelled")
    func cancelled() async throws {
        let lock = try #require(LockUnderTest(.setnxSpin))
        let done = Atomic<Int>(0)
        let task = Task {
            await Conformance.judge([lock], atOnce: 1) { _ in done.add(1, ordering: .relaxed) }
        }
        while done.load(ordering: .relaxed) == 0 { await Task.yield() }
        task.cancel()
        let findings = await task.value
        #expect(findings.count < Clause.all.count && findings.first?.clause.id == "exclusion")
    }
}

/// Grants everything to everybody.
private struct OpenDoor: LeaseLock {
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        .granted(
            Lease(key: key, token: LeaseToken(random: .system), fence: nil, validUntil: .now + timeToLive),
            evidence: Evidence())
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        .extended(lease)
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome { .released }
}

/// Never answers, and does not hear that nobody waits any more.
private struct Wall: LeaseLock {
    private func stand() async { await Task.detached { try? await Task.sleep(for: .seconds(60)) }.value }

    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        await stand()
        return .contended(evidence: Evidence())
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome { .absent }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome { .absent }
}
