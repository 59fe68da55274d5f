import ArgumentParser
import BenchModel
import BenchReports
import BenchResults
import BenchRun
import Foundation
import LabProcesses
import LockConformance
import LockStrategies

/// `lab-bench conformance`.
struct ConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract:
            "Holds locks to the clauses of a lease lock, on real Redis servers, and shows what broke them.",
        discussion: """
            Every strategy that takes a lock:
              lab-bench conformance
            A lock of your own, in any language (docs/DRIVERS.md):
              lab-bench conformance --driver mine='python3 my_driver.py'
            One clause of it, beside a strategy:
              lab-bench conformance --driver mine='python3 my_driver.py' --strategies setnx-spin --clauses late-release

            Clauses:
            \(Clause.all.map { "  \($0.id.padding(toLength: 16, withPad: " ", startingAt: 0))\($0.title)" }.joined(separator: "\n"))

            Exit codes: 0 no clause failed, 4 one did, 5 one is unknown and none failed, 6 redis-server is missing, 64 usage, \
            130 interrupted.
            """)

    @Option(
        help: "Comma-separated ids; default: all of `lab-bench strategies`, or none beside a --driver.",
        completion: .list(LabBench.strategies.names))
    var strategies: String?

    @Option(
        help: ArgumentHelp(
            "A lock in any language, started as COMMAND (docs/DRIVERS.md); may be repeated.",
            valueName: "NAME=COMMAND"))
    var driver: [String] = []

    @Option(
        help: "Comma-separated ids of the list above; default: all.",
        completion: .list(Clause.all.map(\.id)))
    var clauses: String?

    @Option(help: "Clauses that are judged at the same time, 1 to 16; default 4.")
    var atOnce = 4

    @Option(help: "Directory for the results; default: results/<time>-conformance-<host>.")
    var output: String?

    @Flag(help: "Prints conformance.json instead of text.")
    var json = false

    @Flag(help: "Prints the end only.")
    var quiet = false

    func run() async throws {
        let end: BenchExit
        do throws(BenchError) {
            guard (1...16).contains(atOnce) else {
                throw BenchError(.badInput, "--at-once is a number from 1 to 16, not \(atOnce)")
            }
            let plan = try await ConformancePlan(strategies: strategies, drivers: driver, clauses: clauses)
            try await Self.checkRedis()
            end = try await carryOut(plan)
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    private static func checkRedis() async throws(BenchError) {
        do {
            try await withRedisServer { _ in }
        } catch {
            throw BenchError(.unreachable, "conformance needs Redis: \(error)")
        }
    }

    private func carryOut(_ plan: ConformancePlan) async throws(BenchError) -> BenchExit {
        let folder = try ResultsFolder(named: output, word: "conformance", at: Date())
        let locks = plan.locks
        let isSilent = quiet || json
        if !isSilent {
            StandardStream.output.say(
                "\(Text.count(locks.count, "lock")), \(Text.count(plan.clauses.count, "clause")), \(atOnce) at a time; results go to \(folder.path)\n"
            )
        }
        let started = Date()
        let before = LoadAverage.now()
        let (atOnce, clauses) = (atOnce, plan.clauses)
        let task = Task {
            await Conformance.judge(locks, by: clauses, atOnce: atOnce) { finding in
                guard !isSilent else { return }
                let word = ConformanceText.word(.init(rawValue: finding.verdict.rawValue))
                let reason = finding.verdict == .pass ? "" : finding.reason.map { ": \($0)" } ?? ""
                let line =
                    "\(finding.lock.padding(to: 14))  \(finding.clause.id.padding(to: 15))  \(word)\(reason)"
                StandardStream.output.say(
                    line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n")
            }
        }
        let watch = InterruptWatch {
            Terminal.note("interrupted: stopping what was started, then writing what is done")
            task.cancel()
        }
        let findings = await task.value
        watch.stop()
        let environment = await EnvironmentInfo.current(loadBefore: before)
        let results = ConformanceResults(
            run: .init(
                started: started, ended: Date(), command: plan.command, gitCommit: environment.gitCommit,
                isInterrupted: findings.count < locks.count * clauses.count),
            env: environment,
            clauses: clauses.map { .init(id: $0.id, numbers: $0.numbers, title: $0.title) },
            locks: plan.notes, findings: plan.lockFree + findings.map(plan.record))
        let writing = Result { () throws(BenchError) in try folder.write(results, plan.drivers) }
        if json {
            try folder.show(results)
        } else {
            let lines = ConformanceText(results).lines + ["report: \(folder.path)/CONFORMANCE.md"]
            StandardStream.output.say((isSilent ? "" : "\n") + lines.joined(separator: "\n") + "\n")
        }
        try writing.get()
        return results.exit
    }
}
