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
        _ strategy: StrategyEntry, _ fault: Fault, _ level: FaultLevel = .strategy, seed: UInt64 = 1,
        servers: Int = 1
    ) async throws -> (cell: FaultCell, outcome: Cell.Outcome) {
        let cell = Cell(strategy, fault, level: level, seed: seed, servers: servers)
        let outcome = await cell.run(try Self.programs())
        return (cell.result(outcome), outcome)
    }

    /// Runs a cell until one try shows a pace that depends on the machine too, three times at most. What
    /// has to hold in every try stands in `always`.
    private func run(
        _ strategy: StrategyEntry, _ fault: Fault, _ level: FaultLevel, servers: Int = 1,
        always: (FaultCell, Cell.Outcome) throws -> Void, until pace: (FaultCell.Figures) -> Bool
    ) async throws {
        var seen: [FaultCell.Figures] = []
        for seed in UInt64(1)...3 {
            let (cell, outcome) = try await run(strategy, fault, level, seed: seed, servers: servers)
            try always(cell, outcome)
            let figures = try #require(cell.shown?.figures)
            if pace(figures) { return }
            seen.append(figures)
        }
        Issue.record("no try of three had the pace: \(seen)")
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
        try await run(
            strategy, fault, .strategy,
            always: { cell, outcome in
                #expect(cell.expected == .safe)
                #expect(
                    cell.verdict == .safe, "\(cell.why ?? "") \(cell.shown?.findings.map(\.sentence) ?? [])")
                let figures = try #require(cell.shown?.figures)
                #expect(figures.purchases > 0 && figures.beforePerSecond > 0)
                if fault == .killBuyer {
                    #expect(
                        outcome.shown?.record.history.operations.contains { $0.answered == nil } == true)
                }
            },
            until: { $0.recoveryMs != nil })
    }

    @Test("sees buyers wait while Redis is away, and buy again afterwards", arguments: [Fault.killRedisAOF])
    func away(fault: Fault) async throws {
        try await run(
            .luaAtomic, fault, .strategy,
            always: { cell, _ in
                #expect(cell.verdict == .safe, "\(cell)")
                let figures = try #require(cell.shown?.figures)
                #expect((figures.availability ?? 1) < 0.5)
                #expect((figures.recoveryMs ?? 0) < 5_000)
            },
            until: { $0.recoveryMs != nil })
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
        let isOfPostgres = [.pausePostgres, .killBackend, .killPostgres].contains(fault)
        try await run(
            .luaAtomic, fault, .service, servers: 2,
            always: { cell, outcome in
                #expect(
                    cell.verdict == .safe && cell.judgement == .asExpected,
                    "\(cell.why ?? "") \(cell.shown?.findings.filter { $0.verdict != .safe } ?? [])")
                let record = try #require(outcome.shown?.record)
                let history = record.history
                #expect(history.operations.contains { $0.outcome == .ok && $0.invoked > record.healed })
                #expect(history.end.rows?.units == history.initialStock - (history.end.stock ?? 0))
                let figures = try #require(cell.shown?.figures)
                let standstill = try #require(figures.standstillMs)
                if isOfPostgres {
                    #expect(standstill > 0)
                } else {
                    // Whose transaction stands still keeps the other one waiting for two seconds, not for
                    // the fault.
                    #expect((figures.availability ?? 0) > 0.05 && standstill < 4_900)
                }
            },
            // Half as much is sold again as before.
            until: { $0.recoveryMs != nil })
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
