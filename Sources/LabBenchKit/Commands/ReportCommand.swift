import ArgumentParser
import BenchModel
import BenchResults
import Foundation
import LabProcesses

/// `lab-bench report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Draws the reports again from a results.json or a faults.json: the same bytes.")

    @Argument(help: "A results.json or faults.json, or the directory that holds one.")
    var results: String

    @Option(help: "Directory for the reports; default: that of the results.")
    var output: String?

    func run() throws {
        do throws(BenchError) {
            let isFile = results.hasSuffix(".json")
            let beside = isFile ? (results as NSString).deletingLastPathComponent : results
            let folder = output ?? (beside.isEmpty ? "." : beside)
            if let faults = try Self.faults(in: results, isFile: isFile) {
                try ResultsFolder.writeReports(faults, to: folder)
                StandardStream.output.say("report: \(folder)/FAULTS.md\n")
                return
            }
            let read = try ResultsFile.read(results)
            try ResultsFolder.writeReports(read, to: folder)
            StandardStream.output.say("report: \(folder)/LOAD_TEST_RESULT.md\n")
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.exitCode.rawValue)
        }
    }

    /// What the fault lab wrote; nil: it is not from there.
    private static func faults(in place: String, isFile: Bool) throws(BenchError) -> FaultResults? {
        let file = isFile ? place : "\(place)/faults.json"
        guard !isFile || file.hasSuffix("faults.json"), let data = FileManager.default.contents(atPath: file)
        else { return nil }
        do throws(BenchError) {
            return try FaultResults.decode(data)
        } catch {
            throw BenchError(error.code, "\(file): \(error.context)")
        }
    }
}
