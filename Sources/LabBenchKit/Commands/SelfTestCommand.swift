import ArgumentParser
import BenchModel
import BenchResults
import Foundation
import LabProcesses

/// `lab-bench selftest`.
struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Measures this machine and the generator against a built-in server of known delay.",
        discussion:
            "Exit codes: 0: the measured figures match the known ones; 3: they do not, so do not trust a run now."
    )

    @Flag(help: "A tenth of the time; for a first look.")
    var quick = false

    @Option(help: "Seconds of each load with a stall; the other loads are as long in proportion; default 10.")
    var window: Double?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() async throws {
        var test = SelfTest()
        if quick {
            (test.window, test.singleWorkerWindow) = (.seconds(4), .seconds(5))
            (test.ceilingWindow, test.noiseTrials) = (.seconds(1), 4)
            test.comparisons = .few
        }
        if let window {
            guard (0.5...600).contains(window) else {
                Terminal.complain("--window must be from 0.5 to 600 seconds")
                throw ExitCode(BenchExit.usage.rawValue)
            }
            let length = Duration.nanoseconds(Int64(window * 1e9))
            (test.window, test.singleWorkerWindow) = (length, length)
            (test.ceilingWindow, test.noiseWindow) = (length / 4, length / 10)
            test.rivalWindow = max(length / 4, .seconds(1))
            test.idleWindow = min(length, .seconds(2))
            if window < 2 {
                (test.noiseTrials, test.rivalTurns, test.comparisons) = (4, 1, .few)
            }
        }
        let terminal = Terminal(isQuiet: json)
        terminal.say("about \(Text.time(test.expectedTime))")
        if !EnvironmentInfo.isReleaseBuild {
            terminal.say("this is a debug build: nothing is representative")
        }
        var findings: [SelfTest.Finding] = []
        do {
            try await test.run { finding in
                findings.append(finding)
                let mark = finding.isRight.map { $0 ? "ok " : "BAD" } ?? "-  "
                terminal.say("\(mark)  \(finding.what): \(finding.value) (\(finding.expected))")
            }
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode(BenchExit.invalid.rawValue)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try StandardStream.output.write([UInt8](try encoder.encode(findings) + Data("\n".utf8)))
        }
        let wrong = findings.count { $0.isRight == false }
        terminal.say(
            wrong == 0
                ? "pass: the generator shows what is known of the built-in server"
                : "invalid: \(wrong) figures are not what they must be; the machine is too busy or too slow")
        throw ExitCode((wrong == 0 ? BenchExit.good : .invalid).rawValue)
    }
}
