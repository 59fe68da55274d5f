import BenchModel
import BenchResults
import BenchStatistics
import Foundation
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import BenchRun

/// Real processes: `lab-bench`, `lab-server`, `redis-server`, as they were built with these tests.
/// Modes without a lab-server. The suite is RunCommandTests', so that its programs run one after the other.
extension RunCommandTests {
    @Test("measures the service in its own process, audits it, and catches the control")
    func direct() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--mode", "direct", "--strategies",
            "unguarded,lua-atomic,setnx-spin,sql-row,sharded,redlock",
            // Longer than a busy machine stands still: who sold nothing in the window is not judged.
            "--users", "10", "--rounds", "1", "--warmup", "0.1", "--duration", "3", "--output",
            directory.file("out"),
        ])
        let status = await child.waitUntilExit()
        let log = child.lines().joined(separator: "\n")
        #expect(Self.goodEnds.contains(status), "\(log)")
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        let results = try RunResults.decode(json)
        #expect(results.workload.mode == .direct)
        expectNoFault(results)
        #expect(results.controls.first?.isCaught == true)
        #expect(results.strategies.count == 5)
        expectExact(results)
        #expect(results.trials.allSatisfy { $0.cpuSeconds.server == nil && $0.cpuSeconds.redis != nil })
        #expect(results.trials.allSatisfy { $0.audit.openReservations == 0 })
        // Every hold was seen, and none while another one went on.
        let locked = results.trials.filter { ["setnx-spin", "redlock"].contains($0.strategy) }
        let spoilt = Set((results.spoilt ?? []).map(\.strategy))
        #expect(Set(locked.map(\.strategy)).union(spoilt).isSuperset(of: ["setnx-spin", "redlock"]))
        #expect(locked.allSatisfy { ($0.holds ?? 0) >= $0.audit.answeredSuccess && $0.holdOverlaps == 0 })
        #expect(results.trials.filter { $0.strategy == "lua-atomic" }.allSatisfy { $0.holds == nil })
        directory.remove()
    }

    @Test("measures a strategy alone, without ledger, audits its stock in Redis, and catches the control")
    func strategyAlone() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--mode", "strategy", "--strategies",
            "lua-atomic,combining,sharded,setnx-spin,fenced,redlock",
            "--users", "10", "--rounds", "1", "--warmup", "0.1", "--duration", "2", "--products", "2",
            "--model", "closed", "--no-ceilings", "--output", directory.file("out"),
        ])
        let status = await child.waitUntilExit()
        let log = child.lines().joined(separator: "\n")
        #expect(Self.goodEnds.contains(status), "\(log)")
        let json = try #require(FileManager.default.contents(atPath: directory.file("out/results.json")))
        let results = try RunResults.decode(json)
        #expect(results.workload.mode == .strategy)
        #expect(results.strategies.count == 6)
        let control = try #require(results.controls.first)
        #expect(control.isCaught == true)
        #expect(control.caughtBy.contains("answers-left-stock"))
        for trial in results.trials where !trial.isControl {
            // Nothing stands in a ledger; what the stock lost is what the buyers were told, to the unit.
            #expect(trial.audit.rows == nil)
            let lost = trial.audit.finalStock.map { trial.audit.initialStock - $0 }
            #expect((lost ?? -1) >= trial.audit.answeredSuccess)
            #expect((lost ?? -1) <= trial.audit.answeredSuccess + trial.audit.unknown)
            #expect(trial.checks.first { $0.id == "answers-left-stock" }?.state == .pass, "\(trial.strategy)")
            #expect(trial.checks.first { $0.id == "answers-are-rows" }?.state == .notChecked)
            #expect(trial.latencyUs["success"]?.p50 != nil)
        }
        // A purchase without SQLite is told apart from the rest of its time.
        #expect(results.strategies.allSatisfy { ($0.parts?.sqlUs ?? 0) == 0 })
        let text = try String(contentsOfFile: directory.file("out/LOAD_TEST_RESULT.md"), encoding: .utf8)
        #expect(text.contains("Mode `strategy`") && text.contains("there is no ledger in this mode"))
        directory.remove()
    }

    @Test("measures all three modes beside each other, and says what strategy, service and HTTP add")
    func allModes() async throws {
        let directory = try TemporaryDirectory()
        let child = try await start([
            "run", "--mode", "all", "--strategies", "lua-atomic,sql-row", "--users", "10", "--rounds", "1",
            "--warmup", "0.1", "--duration", "2", "--model", "closed", "--no-ceilings", "--output",
            directory.file("out"),
        ])
        let status = await child.waitUntilExit()
        let log = child.lines().joined(separator: "\n")
        #expect(Self.goodEnds.contains(status), "\(log)")
        #expect(log.contains("strategy mode:") && log.contains("direct mode:"), "\(log)")
        func results(_ name: String) throws -> RunResults {
            let file = directory.file("out/\(name)results.json")
            return try RunResults.decode(try #require(FileManager.default.contents(atPath: file)))
        }
        let (http, direct, alone) = (try results(""), try results("direct/"), try results("strategy/"))
        #expect([http, direct, alone].map(\.workload.mode) == [.http, .direct, .strategy])
        for one in [http, direct, alone] {
            expectNoFault(one)
            #expect(one.controls.first?.isCaught == true)
        }
        // The ledger's strategy cannot be measured without a ledger.
        #expect(alone.strategies.map(\.id) == ["lua-atomic"])
        let spoilt = Set([http, direct, alone].flatMap { $0.spoilt ?? [] }.map(\.strategy))
        let layers = try #require(http.layers)
        #expect(Set(layers.map(\.strategy)).union(spoilt) == ["lua-atomic", "sql-row"])
        for layer in layers {
            let whole = try #require(layer.modes.last?.perPurchaseUs.median)
            #expect(abs(layer.layers.reduce(0) { $0 + $1.addsUs.median } - whole) < whole / 1000)
        }
        let text = try String(contentsOfFile: directory.file("out/LOAD_TEST_RESULT.md"), encoding: .utf8)
        #expect(text.contains("## What each layer costs") && text.contains("](strategy/LOAD_TEST_RESULT.md)"))
        directory.remove()
    }
}
