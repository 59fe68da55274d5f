import ArgumentParser
import Foundation
import InventoryService

/// Looks at what `serve` would use with the same flags: one line a check, and nothing is changed.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the database, the Redis servers and the machine, and say what is wrong.",
        discussion:
            "Takes the flags of serve. Ends with 0 when there is no problem, and with 1 when there is one.")

    @OptionGroup var options: ServeOptions

    @Flag(help: "One JSON object instead of lines.")
    var json = false

    /// What `--json` prints.
    private struct Report: Codable {
        let healthy: Bool
        let findings: [Finding]
    }

    func run() async throws {
        let diagnosis = Diagnosis(await facts())
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let report = Report(healthy: !diagnosis.hasProblem, findings: diagnosis.findings)
            try answer(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        } else {
            for finding in diagnosis.findings {
                let verdict = finding.verdict.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
                try answer("\(verdict)  \(finding.check): \(finding.text)\n")
            }
        }
        if diagnosis.hasProblem { Foundation.exit(1) }
    }

    private func facts() async -> DoctorFacts {
        var problem: String?
        var plan: ServePlan?
        do throws(StartFailure) {
            plan = try ServePlan(options.values)
        } catch {
            problem = error.description
            // A wrong secret hides nothing else: with --dev none is needed.
            plan = try? ServePlan(valuesWithoutSecret)
        }
        guard let plan else {
            var facts = DoctorFacts()
            facts.settingsProblem = problem
            return facts
        }
        var facts = await DoctorVisit(database: plan.database, redis: plan.redis).facts()
        facts.settingsProblem = problem
        return facts
    }

    private var valuesWithoutSecret: SettingValues {
        var others = options
        others.dev = true
        others.jwtSecretFile = nil
        var environment = ProcessInfo.processInfo.environment
        for name in ["LAB_JWT_SECRET", "LAB_JWT_SECRET_FILE"] { environment[name] = nil }
        return others.values(environment: environment) { try? String(contentsOfFile: $0, encoding: .utf8) }
    }
}
