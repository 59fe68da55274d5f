import BenchModel
import BenchReports
import BenchResults
import Foundation

extension ResultsFolder {
    func write(_ results: ExploreResults) throws(BenchError) {
        do {
            try results.json().write(to: URL(fileURLWithPath: "\(path)/explore.json"), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        try Self.writeReports(results, to: path)
    }

    /// Draws everything that is drawn from explore.json alone.
    static func writeReports(_ results: ExploreResults, to folder: String) throws(BenchError) {
        let files = FileManager.default
        let hasJSON = files.fileExists(atPath: "\(folder)/explore.json")
        do {
            let all = try ExploreReports(results, files: hasJSON ? ["explore.json"] : []).files
            if all.contains(where: { $0.path.hasPrefix("stories/") }) {
                try files.createDirectory(atPath: "\(folder)/stories", withIntermediateDirectories: true)
            }
            for file in all {
                try Data(file.text.utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/\(file.path)"), options: .atomic)
            }
        } catch {
            throw BenchError(.outputFailed, "the reports cannot be written to \(folder)")
        }
    }
}
