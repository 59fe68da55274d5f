import ArgumentParser
import BenchModel
import BenchResults
import Foundation
import LabProcesses

/// `lab-bench report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Draws the reports again from a results.json: the same bytes.")

    @Argument(help: "A results.json, or the directory that holds one.")
    var results: String

    @Option(help: "Directory for the reports; default: that of the results.")
    var output: String?

    func run() throws {
        do throws(BenchError) {
            let read = try ResultsFile.read(results)
            let isFile = results.hasSuffix(".json")
            let beside = isFile ? (results as NSString).deletingLastPathComponent : results
            let folder = output ?? (beside.isEmpty ? "." : beside)
            try ResultsFolder.writeReports(read, to: folder)
            StandardStream.output.say("report: \(folder)/LOAD_TEST_RESULT.md\n")
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.exitCode.rawValue)
        }
    }
}
