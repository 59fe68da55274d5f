import BenchResults
import BenchRun
import FaultAudit
import FaultInjection
import LockStrategies
import Testing

@testable import FaultLab

@Suite("What theory says of a cell")
struct TheoryTests {
    private static let leases = StrategyRegistry.builtIn.entries.filter {
        $0.traits.abilities.contains(.leases) && !$0.traits.abilities.contains(.stallSafety)
            && !$0.isNegativeControl
    }
    private static let stallSafe = StrategyRegistry.builtIn.entries.filter {
        $0.traits.abilities.contains(.stallSafety)
    }

    @Test("knows which strategies a stall breaks: locks without a number that Redis could refuse")
    func groups() {
        #expect(Self.leases.map(\.name) == ["setnx-spin", "setnx-backoff", "setnx-notify", "redlock"])
        #expect(
            Self.stallSafe.map(\.name) == [
                "fenced", "optimistic", "lua-atomic", "combining", "sharded", "sql-row",
            ])
    }

    @Test("demands a violation of a lock under a slow and under a stopped holder")
    func stalls() {
        for strategy in Self.leases {
            for fault in [Fault.slowHolder, .pauseBuyer] {
                #expect(fault.expectation(of: strategy, at: .strategy) == .violated)
            }
        }
    }

    @Test("allows no violation of a strategy that stalls cannot break, but for a Redis that loses writes")
    func safe() {
        let losing: Set<Fault> = [.killRedisEmpty, .failoverLostWrite, .powerCut]
        for strategy in Self.stallSafe {
            for fault in Fault.allCases {
                #expect(fault.expectation(of: strategy, at: .service) == .safe)
                #expect(
                    fault.expectation(of: strategy, at: .strategy)
                        == (losing.contains(fault) ? .violated : .safe))
            }
        }
    }

    @Test("says of redlock what its five nodes are good for, and what not")
    func redlock() {
        for fault in [Fault.nodeDown, .nodeHang, .nodesDownMajority] {
            #expect(fault.expectation(of: .redlock, at: .strategy) == .safe)
        }
        #expect(Fault.nodeEmptyRestart.expectation(of: .redlock, at: .strategy) == .violated)
        #expect(Fault.clockJump.expectation(of: .redlock, at: .strategy) == .mayBeViolated)
        #expect(Fault.clockJump.expectation(of: .setnxSpin, at: .strategy) == .violated)
        #expect(Fault.killRedisEmpty.expectation(of: .redlock, at: .service) == .safe)
    }

    @Test("demands a violation of the control under everything, at both levels")
    func control() {
        for fault in Fault.allCases {
            for level in FaultLevel.allCases {
                #expect(fault.expectation(of: .unguarded, at: level) == .violated)
            }
        }
    }

    @Test("says why a fault cannot strike, and every fault strikes something somewhere")
    func obstacles() {
        #expect(Fault.nodeDown.obstacle(for: .setnxSpin, at: .strategy) == "setnx-spin asks no lock nodes")
        #expect(Fault.diskFull.obstacle(for: .luaAtomic, at: .strategy) != nil)
        #expect(Fault.none.obstacle(for: .sqlRow, at: .strategy) != nil)
        #expect(Fault.none.obstacle(for: .sqlRow, at: .service) == nil)
        for fault in Fault.allCases {
            let servers = fault.isOfSeveralServers ? 2 : 1
            #expect(
                FaultLevel.allCases.contains {
                    fault.obstacle(for: .redlock, at: $0, servers: servers) == nil
                })
            // One server keeps its ledger in a file.
            #expect(servers == 1 || fault.obstacle(for: .redlock, at: .service) != nil)
        }
    }

    @Test("is asked of each pair once, and a pair that cannot be is named with its reason")
    func matrix() {
        let matrix = Matrix(
            strategies: StrategyRegistry.builtIn.entries, faults: Fault.allCases, levels: FaultLevel.allCases,
            seed: 5, seeds: 3)
        let pairs = StrategyRegistry.builtIn.entries.count * Fault.allCases.count * FaultLevel.allCases.count
        #expect(matrix.cells.count / 3 + matrix.notApplicable.count == pairs)
        #expect(Set(matrix.cells.map(\.seed)) == [5, 6, 7])
        #expect(matrix.notApplicable.allSatisfy { !$0.why.isEmpty })
        #expect(matrix.expectedTime > .seconds(600))
    }

    @Test("is asked at two servers of what strikes one of them or their PostgreSQL, with the command for it")
    func servers() {
        let matrix = Matrix(
            strategies: [.setnxSpin, .luaAtomic], faults: [.loseServer, .pausePostgres, .powerCut],
            levels: [.service], seed: 1, seeds: 1, servers: 2)
        #expect(matrix.cells.map(\.fault) == [.loseServer, .loseServer, .pausePostgres, .pausePostgres])
        #expect(matrix.cells.allSatisfy { $0.expected == .safe })
        #expect(matrix.notApplicable.allSatisfy { $0.why.contains("PostgreSQL") })
        let again = matrix.cells[0].result(.init(verdict: .safe, tries: 1, why: nil, shown: nil))
        #expect(
            again.command
                == "lab-bench faults --servers 2 --strategies setnx-spin --faults lose-server --seed 1")
    }

    @Test("says nothing of a driver, but what must hold; a server runs none")
    func driver() throws {
        let driver = FaultDriver(try .named("mine=true"), mustHold: [.killBuyer])
        let matrix = Matrix(
            strategies: [.setnxSpin], faults: [.none, .killBuyer, .nodeDown], levels: FaultLevel.allCases,
            seed: 1, seeds: 1, drivers: [driver])
        let cells = matrix.cells.filter { $0.strategy.name == "mine" }
        #expect(cells.map(\.expected) == [.unknown, .safe])
        #expect(cells.map(\.mostTries) == [3, 1])
        #expect(cells.allSatisfy { $0.level == .strategy && $0.driver != nil })
        #expect(matrix.cells.filter { $0.strategy == .setnxSpin }.allSatisfy { $0.driver == nil })
        let why = matrix.notApplicable.filter { $0.strategy == "mine" }.map(\.why)
        #expect(why.contains("mine asks no lock nodes"))
        #expect(why.count { $0 == "a lab-server runs no driver" } == 3)
    }

    @Test(
        "makes a violation of a driver something that was seen, or what should not be",
        arguments: [
            (FaultExpectation.unknown, Auditor.Verdict.violated, FaultCell.Judgement.seen),
            (.unknown, .safe, .seen), (.unknown, .unknown, .undecided), (.safe, .violated, .againstTheory),
            (.safe, .safe, .asExpected),
        ])
    func judgement(expected: FaultExpectation, verdict: Auditor.Verdict, judgement: FaultCell.Judgement) {
        let cell = FaultCell(
            strategy: "mine", fault: "none", level: .strategy, seed: 1, verdict: verdict, expected: expected,
            why: nil, tries: 1, mostTries: 3, shown: nil, command: "-")
        #expect(cell.judgement == judgement)
    }
}
