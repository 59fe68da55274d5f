import BenchModel
import BenchReports
import BenchResults
import BenchRun
import Foundation
import LabProcesses

/// Where a run writes its files. Made before the run, so that nothing is measured for nothing.
struct ResultsFolder: Sendable {
    let path: String

    var reportPath: String { "\(path)/LOAD_TEST_RESULT.md" }

    /// - Parameter named: By `--output`; nil takes `results/<time>-<word>-<host>`.
    init(named: String?, word: String, at time: Date) throws(BenchError) {
        path = named ?? "results/\(Self.stamp(time))-\(word)-\(EnvironmentInfo.hostName)"
        let files = FileManager.default
        if files.fileExists(atPath: "\(path)/results.json") {
            throw BenchError(
                .outputFailed, "\(path) holds results already; name another directory by --output")
        }
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw BenchError(.outputFailed, "the directory \(path) cannot be made")
        }
        guard files.isWritableFile(atPath: path) else {
            throw BenchError(.outputFailed, "the directory \(path) cannot be written to")
        }
    }

    /// - Parameter trials: Behind the results; their single requests are kept too.
    func write(_ results: RunResults, _ trials: [FinishedTrial]) throws(BenchError) {
        do {
            try results.json().write(to: URL(fileURLWithPath: "\(path)/results.json"), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        try SamplesFile.write(trials.filter { !$0.isSpoilt }, to: "\(path)/samples.csv.gz")
        try Self.writeReports(results, to: path)
    }

    /// Prints what stands in results.json.
    func show(_ results: RunResults) throws(BenchError) {
        do {
            try StandardStream.output.write([UInt8](try results.json()))
        } catch {
            throw BenchError(.outputFailed, "the results cannot be printed: \(error); they stand in \(path)")
        }
    }

    /// What ``writeReports(_:to:)`` writes, and beside it every picture as a file in `plots`.
    static let reportNames = ["LOAD_TEST_RESULT.md", "report.html", "junit.xml"]

    /// Draws everything that is drawn from results alone.
    static func writeReports(_ results: RunResults, to folder: String) throws(BenchError) {
        let page = HTMLReport(results)
        var reports = [
            ("LOAD_TEST_RESULT.md", MarkdownReport(results).text), ("report.html", page.text),
            ("junit.xml", JUnitReport(results).text),
        ]
        let figures = page.figures + (results.sweep == nil ? page.timelines : [])
        reports += figures.map { ("plots/\($0.fileName)", $0.document) }
        do {
            if !figures.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/plots", withIntermediateDirectories: true)
            }
            for (name, text) in reports {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
            }
        } catch {
            throw BenchError(.outputFailed, "the reports cannot be written to \(folder)")
        }
    }

    /// After a run that has nothing to show.
    func removeIfEmpty() {
        let names = try? FileManager.default.contentsOfDirectory(atPath: path)
        if names?.isEmpty == true { try? FileManager.default.removeItem(atPath: path) }
    }

    private static func stamp(_ time: Date) -> String {
        let style = Date.ISO8601FormatStyle(timeZone: .gmt)
            .year().month().day().dateSeparator(.dash)
            .time(includingFractionalSeconds: false).timeSeparator(.omitted)
        return time.formatted(style)
    }
}
