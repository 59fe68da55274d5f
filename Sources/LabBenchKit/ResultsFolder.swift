import BenchModel
import BenchReports
import BenchResults
import BenchRun
import Foundation
import LabProcesses
import LockStrategies

/// Where a run writes its files. Made before the run, so that nothing is measured for nothing.
struct ResultsFolder: Sendable {
    let path: String
    /// Held as long as this program writes there.
    private let claim: FolderClaim?

    var reportPath: String { "\(path)/LOAD_TEST_RESULT.md" }
    var pagePath: String { "\(path)/report.html" }

    /// - Parameter named: By `--output`; nil takes `results/<time>-<word>-<host>`.
    init(named: String?, word: String, at time: Date) throws(BenchError) {
        let files = FileManager.default
        guard let named else {
            path = try Self.make("results/\(Self.stamp(time))-\(word)-\(EnvironmentInfo.hostName)")
            claim = nil
            return
        }
        path = named
        if ["results.json", "faults.json", "explore.json", "conformance.json"].contains(where: {
            files.fileExists(atPath: "\(named)/\($0)")
        }) {
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
        claim = try FolderClaim(path)
    }

    /// A directory that was not there: a run that begins in the same second takes the next number.
    private static func make(_ name: String) throws(BenchError) -> String {
        let files = FileManager.default
        do {
            try files.createDirectory(
                atPath: (name as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            for number in 1...99 {
                let path = number == 1 ? name : "\(name)-\(number)"
                do {
                    try files.createDirectory(atPath: path, withIntermediateDirectories: false)
                    return path
                } catch CocoaError.fileWriteFileExists {
                    continue
                }
            }
        } catch {
            throw BenchError(.outputFailed, "the directory \(name) cannot be made")
        }
        throw BenchError(.outputFailed, "there are 99 directories \(name) already")
    }

    /// - Parameter trials: Behind the results; their single requests are kept too.
    func write(_ results: RunResults, _ trials: [FinishedTrial]) throws(BenchError) {
        do {
            try results.json().write(to: URL(fileURLWithPath: "\(path)/results.json"), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        try writeLogs(of: trials)
        try SamplesFile.write(trials.filter { !$0.isSpoilt }, to: "\(path)/samples.csv.gz")
        try Self.writeReports(results, to: path)
    }

    /// A mode inside of HTTP, of a run in all modes, has a folder of its own below this one.
    func write(_ results: RunResults, _ trials: [FinishedTrial], mode: RunMode) throws(BenchError) {
        let folder = try ResultsFolder(named: "\(path)/\(mode.rawValue)", word: "", at: Date())
        try folder.write(results, trials)
    }

    /// What the drivers said on standard error, a file for each.
    private func writeLogs(of trials: [FinishedTrial]) throws(BenchError) {
        for (name, trials) in Dictionary(grouping: trials, by: \.planned.strategy.name) {
            let lines = trials.flatMap { trial in
                (trial.driverLog ?? []).map { "trial \(trial.planned.order): \($0)\n" }
            }
            guard !lines.isEmpty else { continue }
            do {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/drivers", withIntermediateDirectories: true)
                try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: "\(path)/drivers/\(name).log"))
            } catch {
                throw BenchError(.outputFailed, "the log of \(name) cannot be written to \(path)")
            }
        }
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
        let drawn = HTMLReport(results)
        let figures = drawn.figures + (results.sweep == nil ? drawn.timelines : [])
        let plots = figures.map { (name: "plots/\($0.fileName)", text: $0.document) }
        let inner = RunMode.allCases.map { "\($0.rawValue)/LOAD_TEST_RESULT.md" }
        let raw = (["results.json", "samples.csv.gz"] + inner).filter {
            FileManager.default.fileExists(atPath: "\(folder)/\($0)")
        }
        let files = Set(reportNames + raw + plots.map(\.name))
        let reports =
            [
                ("LOAD_TEST_RESULT.md", MarkdownReport(results, files: files).text),
                ("report.html", HTMLReport(results, files: files).text),
                ("junit.xml", JUnitReport(results).text),
            ] + plots.map { ($0.name, $0.text) }
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

    /// Looks whether a file can be written, before anything is measured for it.
    static func check(_ file: String?) throws(BenchError) {
        guard let file else { return }
        let isThere = FileManager.default.fileExists(atPath: file)
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw BenchError(
                .outputFailed, "\(file) cannot be written: \(unsafe String(cString: strerror(errno)))")
        }
        close(descriptor)
        if !isThere { try? FileManager.default.removeItem(atPath: file) }
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

/// Keeps other runs out of a directory, until this program ends.
private final class FolderClaim: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws(BenchError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw BenchError(
                .outputFailed, "another run writes to \(path); name another directory by --output")
        }
    }

    deinit { close(descriptor) }
}
