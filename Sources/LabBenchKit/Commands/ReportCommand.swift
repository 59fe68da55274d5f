import ArgumentParser
import BenchModel
import BenchResults
import Foundation
import LabProcesses

/// `lab-bench report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Draws the reports again from a results.json, faults.json, explore.json or conformance.json: the same bytes."
    )

    @Argument(
        help:
            "A results.json, faults.json, explore.json or conformance.json, or the directory that holds one."
    )
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
            if let explored = try Self.exploration(in: results, isFile: isFile) {
                try ResultsFolder.writeReports(explored, to: folder)
                StandardStream.output.say("report: \(folder)/EXPLORE.md\n")
                return
            }
            if let judged = try Self.conformance(in: results, isFile: isFile) {
                try ResultsFolder.writeReports(judged, to: folder)
                StandardStream.output.say("report: \(folder)/CONFORMANCE.md\n")
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
        try read("faults.json", in: place, isFile: isFile) { data throws(BenchError) in
            try FaultResults.decode(data)
        }
    }

    /// What an exploration wrote; nil: it is not from there.
    private static func exploration(
        in place: String, isFile: Bool
    ) throws(BenchError) -> ExploreResults? {
        try read("explore.json", in: place, isFile: isFile) { data throws(BenchError) in
            try ExploreResults.decode(data)
        }
    }

    /// What a conformance run wrote; nil: it is not from there.
    private static func conformance(
        in place: String, isFile: Bool
    ) throws(BenchError) -> ConformanceResults? {
        try read("conformance.json", in: place, isFile: isFile) { data throws(BenchError) in
            try ConformanceResults.decode(data)
        }
    }

    private static func read<Results>(
        _ name: String, in place: String, isFile: Bool, decode: (Data) throws(BenchError) -> Results
    ) throws(BenchError) -> Results? {
        let file = isFile ? place : "\(place)/\(name)"
        guard !isFile || file.hasSuffix(name), let data = FileManager.default.contents(atPath: file)
        else { return nil }
        do throws(BenchError) {
            return try decode(data)
        } catch {
            throw BenchError(error.code, "\(file): \(error.context)")
        }
    }
}
