import BenchResults
import FaultAudit
import FaultInjection
import LabProcesses
import LockStrategies
import Testing

@testable import FaultLab

/// Real workers, servers and Redis, real signals: the cells that every change is held to.
@Suite("A cell of the fault lab", .serialized, .timeLimit(.minutes(12)))
struct CellTests {
    static func programs() throws -> Cell.Programs {
        Cell.Programs(
            bench: try RunCommandTests.program("lab-bench"),
            server: try RunCommandTests.program("lab-server"))
    }

    private func run(
        _ strategy: StrategyEntry, _ fault: Fault, _ level: FaultLevel = .strategy
    ) async throws -> (cell: FaultCell, outcome: Cell.Outcome) {
        let cell = Cell(strategy, fault, level: level, seed: 1)
        let outcome = await cell.run(try Self.programs())
        return (cell.result(outcome), outcome)
    }

    @Test("shows that the control oversells, and where it shows first")
    func control() async throws {
        let (cell, outcome) = try await run(.unguarded, .none)
        #expect(cell.verdict == .violated && cell.judgement == .asExpected)
        let finding = outcome.shown?.report.findings.first { $0.invariant == .conservation }
        #expect(finding?.verdict == .violated)
        #expect((finding?.units ?? 0) > 0)
    }

    @Test(
        "shows that a lock whose holder is slow loses sales, with the operations that prove it",
        arguments: [StrategyEntry.setnxSpin, .redlock])
    func slowHolder(strategy: StrategyEntry) async throws {
        let (cell, _) = try await run(strategy, .slowHolder)
        #expect(cell.expected == .violated)
        #expect(cell.verdict == .violated && cell.judgement == .asExpected, "\(cell)")
        #expect(cell.shown?.findings.contains { $0.verdict == .violated } == true)
        #expect(cell.shown?.operations.isEmpty == false)
    }

    @Test(
        "finds nothing against strategies that stalls cannot break, stopped, killed or slow",
        arguments: [StrategyEntry.fenced, .luaAtomic], [Fault.slowHolder, .pauseBuyer, .killBuyer])
    func stallSafe(strategy: StrategyEntry, fault: Fault) async throws {
        let (cell, outcome) = try await run(strategy, fault)
        #expect(cell.expected == .safe)
        #expect(cell.verdict == .safe, "\(cell.why ?? "") \(cell.shown?.findings.map(\.sentence) ?? [])")
        let figures = try #require(cell.shown?.figures)
        #expect(figures.purchases > 0 && figures.beforePerSecond > 0 && figures.recoveryMs != nil)
        if fault == .killBuyer {
            #expect(outcome.shown?.record.history.operations.contains { $0.answered == nil } == true)
        }
    }

    @Test("sees buyers wait while Redis is away, and buy again afterwards", arguments: [Fault.killRedisAOF])
    func away(fault: Fault) async throws {
        let (cell, _) = try await run(.luaAtomic, fault)
        #expect(cell.verdict == .safe, "\(cell)")
        #expect((cell.shown?.figures.availability ?? 1) < 0.5)
        #expect((cell.shown?.figures.recoveryMs ?? .infinity) < 5_000)
    }

    @Test("keeps every acknowledged purchase when the server is killed", arguments: [StrategyEntry.luaAtomic])
    func service(strategy: StrategyEntry) async throws {
        let (cell, outcome) = try await run(strategy, .killServer, .service)
        #expect(cell.verdict == .safe && cell.judgement == .asExpected, "\(cell)")
        let healed = try #require(outcome.shown?.record.healed)
        let history = try #require(outcome.shown?.record.history)
        #expect(history.operations.contains { $0.outcome == .ok && $0.invoked > healed })
        #expect(history.end.rows?.units == history.initialStock - (history.end.stock ?? 0))
        #expect(cell.shown?.figures.refusedByLedger == 0)
    }

    /// What strikes a server strikes one of two; what strikes PostgreSQL strikes both.
    @Test(
        "keeps every acknowledged purchase of two servers on one PostgreSQL, and sells again by itself",
        .enabled(if: PostgresServerProcess.programs() != nil, "\(PostgresServerProcess.absence)"),
        arguments: [
            Fault.pauseBuyer, .loseServer, .killServer, .halfOpen, .cutPostgres, .pausePostgres, .killBackend,
            .killPostgres,
        ])
    func twoServers(fault: Fault) async throws {
        let cell = Cell(.luaAtomic, fault, level: .service, seed: 1, servers: 2)
        let outcome = await cell.run(try Self.programs())
        let result = cell.result(outcome)
        #expect(
            result.verdict == .safe && result.judgement == .asExpected,
            "\(result.why ?? "") \(result.shown?.findings.filter { $0.verdict != .safe } ?? [])")
        let record = try #require(outcome.shown?.record)
        let history = record.history
        #expect(history.operations.contains { $0.outcome == .ok && $0.invoked > record.healed })
        #expect(history.end.rows?.units == history.initialStock - (history.end.stock ?? 0))
        let figures = try #require(result.shown?.figures)
        #expect(figures.recoveryMs != nil, "half as much is sold again as before")
        let standstill = try #require(figures.standstillMs)
        print(
            "two servers, \(fault.rawValue): \(figures.purchases) purchases, available "
                + "\(figures.availability ?? 0), recovered \(figures.recoveryMs ?? -1) ms, nothing sold for \(standstill) ms"
        )
        let isOfPostgres: Set<Fault> = [.pausePostgres, .killBackend, .killPostgres]
        if isOfPostgres.contains(fault) {
            #expect(standstill > 0)
        } else {
            // Whose transaction stands still keeps the other one waiting for two seconds, not for the fault.
            #expect((figures.availability ?? 0) > 0.05 && standstill < 4_900)
        }
    }

    @Test("shows at the service that the control gave out units twice, which the ledger refused")
    func refused() async throws {
        let (cell, _) = try await run(.unguarded, .none, .service)
        #expect(cell.verdict == .violated && cell.judgement == .asExpected, "\(cell)")
        #expect((cell.shown?.figures.refusedByLedger ?? 0) > 0)
    }

    @Test("that could not be run is unknown, never safe, and says why")
    func crashed() async throws {
        let programs = Cell.Programs(bench: "/bin/false", server: "/bin/false")
        for level in FaultLevel.allCases {
            let cell = Cell(.luaAtomic, .none, level: level, seed: 1)
            let outcome = await cell.run(programs)
            #expect(outcome.verdict == .unknown && outcome.shown == nil)
            #expect(outcome.why?.isEmpty == false)
            #expect(cell.result(outcome).judgement == .undecided)
        }
    }
}
