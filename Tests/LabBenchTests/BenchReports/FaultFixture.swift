import BenchModel
import BenchResults
import Foundation

@testable import FaultAudit

/// Results of the fault lab as they could be: every verdict and judgement, two levels, several seeds, and
/// text that means something to Markdown and to HTML.
enum FaultFixture {
    static let hostile = #"`ls` <b>a|b</b> **strong** [x](y) & "done" \ end"#

    static func operation(
        _ id: Int, buyer: Int, process: Int = 0, from: Double, to: Double?,
        _ outcome: History.Operation.Outcome = .ok, held: (from: Double, to: Double?)? = nil,
        fence: Int64? = nil, isProof: Bool = false
    ) -> FaultCell.Operation {
        FaultCell.Operation(
            id: id, buyer: buyer, process: process, invokedMs: from, answeredMs: to, outcome: outcome,
            holdFromMs: held?.from, holdUntilMs: held?.to, fence: fence, isProof: isProof)
    }

    static func figures(
        availability: Double? = 0.42, recoveryMs: Double? = 120, refused: Int? = nil
    ) -> FaultCell.Figures {
        FaultCell.Figures(
            purchases: 812, unknown: 3, refusedByLedger: refused, beforePerSecond: 610,
            duringPerSecond: 256.2,
            afterPerSecond: 598, availability: availability, recoveryMs: recoveryMs, p99BeforeMs: 12.5,
            p99DuringMs: 340.25, lostMsPerPurchase: 31.5)
    }

    static func shown(
        _ findings: [Auditor.Finding] = [Auditor.Finding(.conservation, .safe, "the stock is right")],
        _ operations: [FaultCell.Operation] = [], figures: FaultCell.Figures = figures(),
        history: String? = nil
    ) -> FaultCell.Try {
        FaultCell.Try(
            number: 2, struckMs: 1000, healedMs: 2200, endedMs: 4000, figures: figures, findings: findings,
            operations: operations, history: history)
    }

    static func cell(
        _ strategy: String, _ fault: String, at level: FaultLevel = .strategy, seed: UInt64 = 7,
        verdict: Auditor.Verdict = .safe, theory: FaultExpectation = .safe, why: String? = nil,
        tries: Int = 3,
        shown: FaultCell.Try? = shown()
    ) -> FaultCell {
        FaultCell(
            strategy: strategy, fault: fault, level: level, seed: seed, verdict: verdict, expected: theory,
            why: why, tries: tries, mostTries: 20, shown: shown,
            command:
                "lab-bench faults --strategies \(strategy) --faults \(fault) --level \(level.rawValue) --seed \(seed)"
        )
    }

    /// One holder stands still while its lease ends and another one is let in; a third never came back.
    static let overlap = [
        operation(31, buyer: 2, from: 940, to: 958.5, held: (944, 957)),
        operation(32, buyer: 0, process: 1, from: 961, to: 2391, held: (966, 2388), isProof: true),
        operation(33, buyer: 2, from: 990, to: 1970, .refused),
        operation(34, buyer: 5, process: 2, from: 1004, to: 2003, .nothing),
        operation(35, buyer: 4, process: 2, from: 1010, to: 2140, held: (1968, 2133), isProof: true),
        operation(36, buyer: 3, from: 1300, to: nil, .unknown, held: (2150, nil)),
        operation(37, buyer: 2, from: 2000, to: 2420, held: (2300, 2410)),
    ]

    static let overlapFindings = [
        Auditor.Finding(.conservation, .safe, "96 units left the stock; buyers have 96, and perhaps 1 more"),
        Auditor.Finding(
            .neverOversold, .violated, "buyers have 103 units of 100", units: 3, moment: 2_140_000_000,
            proof: [35]),
        Auditor.Finding(
            .noOverlap, .violated, "operation 35 was let in while operation 32 was inside",
            moment: 1_968_000_000, proof: [32, 35]),
        Auditor.Finding(.linearizable, .unknown, "200000 places were tried and did not decide it"),
    ]

    /// Fences rise, and the proof is short beside everything around it.
    static let fenced = [
        operation(10, buyer: 0, from: 20, to: 900, held: (30, 890), fence: 6),
        operation(11, buyer: 1, from: 910, to: 990, held: (930, 985), fence: 7, isProof: true),
        operation(12, buyer: 2, from: 915, to: 1005, held: (940, 1000), fence: 7, isProof: true),
        operation(13, buyer: 3, from: 1010, to: 3900, held: (1100, 3890), fence: 8),
    ]

    static let cells: [FaultCell] = {
        let broken = shown(overlapFindings, overlap, history: "histories/setnx-spin-slow-holder-7.json.gz")
        let refused = Auditor.Finding(.nothingRefused, .violated, "the ledger refused 4 sales", units: 4)
        let lost = Auditor.Finding(
            .oneRowEach, .violated, "2 acknowledged purchases have no row, 0 have more than one", units: 2)
        return [
            cell("setnx-spin", "none"), cell("fenced", "none"), cell("lua-atomic", "none"),
            cell("setnx-spin", "slow-holder", verdict: .violated, theory: .violated, tries: 2, shown: broken),
            cell("setnx-spin", "slow-holder", seed: 8, theory: .violated, tries: 20),
            cell(
                "setnx-spin", "slow-holder", seed: 9, verdict: .violated, theory: .violated, tries: 1,
                shown: broken),
            cell(
                "fenced", "slow-holder", verdict: .violated, theory: .safe, tries: 4,
                shown: shown(
                    [
                        Auditor.Finding(
                            .fencesRise, .violated, "the grant of operation 12 has number 7, after 7")
                    ],
                    fenced)),
            cell("lua-atomic", "slow-holder", theory: .mayBeViolated),
            cell("setnx-spin", "pause-redis", verdict: .unknown, why: hostile, tries: 0, shown: nil),
            cell(
                "fenced", "pause-redis", theory: .violated, tries: 20,
                shown: shown(figures: figures(availability: 0.03, recoveryMs: nil))),
            cell(
                "lua-atomic", "pause-redis", shown: shown(figures: figures(availability: 0, recoveryMs: 900))),
            cell(
                "setnx-spin", "slow-holder", at: .service, verdict: .violated, theory: .violated,
                shown: shown([refused], figures: figures(refused: 4))),
            cell(
                "fenced", "slow-holder", at: .service,
                shown: shown(figures: figures(availability: nil, recoveryMs: nil, refused: 0))),
            cell(
                "lua-atomic", "slow-holder", at: .service, verdict: .violated, theory: .violated,
                shown: shown([lost])),
        ]
    }()

    static let environment = EnvironmentInfo(
        host: "vm", os: "Debian 12", kernel: "6.1", cpu: "Some CPU", cores: 2, memoryMib: 8000, governor: nil,
        virtualisation: "kvm", loadBefore: 0.1, swift: "6.3.1", buildMode: "release", gitCommit: "abc")

    static func results(
        _ cells: [FaultCell] = cells, status: FaultResults.Run.Status = .complete, notRun: Int = 0,
        buildMode: String = "release"
    ) -> FaultResults {
        var env = environment
        env.buildMode = buildMode
        return FaultResults(
            run: .init(
                started: Date(timeIntervalSince1970: 1_800_000_000),
                ended: Date(timeIntervalSince1970: 1_800_000_754),
                command: "lab-bench faults --seed 7 --seeds 3",
                seed: 7, seeds: 3, budgetSeconds: 900, gitCommit: "d242f90aa", status: status),
            env: env,
            strategies: [
                .init(id: "setnx-spin", summary: "SET NX PX, asked for again and again."),
                .init(id: "fenced", summary: "A lease whose number the script checks: \(hostile)."),
                .init(id: "lua-atomic", summary: "One script, no lock."),
            ],
            faults: [
                .init(id: "none", summary: "Nothing is broken: the control."),
                .init(id: "slow-holder", summary: "Work inside the lock takes longer than the lease."),
                .init(id: "pause-redis", summary: "Redis is stopped, then goes on: \(hostile)."),
                .init(id: "script-flush", summary: "Redis forgets all scripts."),
            ], cells: cells,
            notApplicable: ["setnx-spin", "fenced"].map {
                .init(strategy: $0, fault: "script-flush", level: .strategy, why: "it has no script | at all")
            }, notRun: notRun)
    }
}

extension FaultFixture {
    /// One strategy in the service of two servers.
    static func ofTwoServers() -> FaultResults {
        var figures = figures(availability: 0.9, recoveryMs: 40, refused: 0)
        figures.standstillMs = 612
        var results = results([
            cell("lua-atomic", "lose-server", at: .service, shown: shown(figures: figures))
        ])
        results.run.servers = 2
        results.strategies.removeAll { $0.id != "lua-atomic" }
        results.faults.append(.init(id: "lose-server", summary: "One of several servers is killed."))
        return results
    }

    /// As many strategies and faults as the catalogue will have, with one seed.
    static let large: FaultResults = {
        let strategies = [
            "unguarded", "setnx-spin", "setnx-backoff", "setnx-notify", "fenced", "optimistic", "lua-atomic",
            "combining", "sharded", "sql-row", "redlock",
        ]
        let faults = [
            "none", "slow-holder", "pause-buyer", "kill-buyer", "kill-server", "pause-redis",
            "kill-redis-aof",
            "kill-redis-empty", "failover-lost-write", "delay", "jitter", "reply-lost", "reset", "half-open",
            "node-down", "nodes-down-majority", "node-empty-restart", "clock-jump", "power-cut",
            "script-flush",
            "oom", "readonly", "disk-full",
        ]
        var cells: [FaultCell] = []
        for (row, fault) in faults.enumerated() {
            for (column, strategy) in strategies.enumerated() where row < 14 || strategy == "redlock" {
                let isBroken = strategy == "unguarded" || (row % 4 == 1 && (1...3).contains(column))
                let figures = Self.figures(
                    availability: Double((row * 7 + column * 13) % 100) / 95,
                    recoveryMs: (row + column) % 9 == 0 ? nil : Double(20 + row * column * 31))
                cells.append(
                    cell(
                        strategy, fault, verdict: isBroken ? .violated : .safe,
                        theory: isBroken ? .violated : .safe,
                        shown: shown(
                            isBroken ? overlapFindings : [], isBroken ? overlap : [], figures: figures)))
            }
        }
        var results = Self.results(cells)
        results.strategies = strategies.map { .init(id: $0, summary: "What \($0) does.") }
        results.faults = faults.map { .init(id: $0, summary: "What \($0) breaks.") }
        results.notApplicable = faults[14..<18].flatMap { fault in
            strategies.dropLast().map {
                .init(strategy: $0, fault: fault, level: .strategy, why: "it has one node")
            }
        }
        return results
    }()
}
