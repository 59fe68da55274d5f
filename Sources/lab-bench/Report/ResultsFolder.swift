import Foundation

/// Where a run writes its files. Made before the run, so that nothing is measured for nothing.
struct ResultsFolder: Sendable {
    let path: String

    var reportPath: String { "\(path)/LOAD_TEST_RESULT.md" }

    /// - Parameter named: By `--output`; nil takes `results/<time>-purchase-<host>`, or `purchase-direct`.
    init(named: String?, of mode: RunMode, at time: Date) throws(BenchError) {
        path = named ?? "results/\(Self.stamp(time))-\(mode.folderWord)-\(EnvironmentInfo.hostName)"
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

    func write(_ results: RunResults) throws(BenchError) {
        do {
            try results.json().write(to: URL(fileURLWithPath: "\(path)/results.json"), options: .atomic)
            let report = MarkdownReport(results).text
            try Data(report.utf8).write(to: URL(fileURLWithPath: reportPath), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
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
