import BenchModel
import BenchReports
import BenchResults
import Foundation

extension ResultsFolder {
    func write(_ results: ExploreResults) throws(BenchError) {
        let json: Data
        do {
            json = try results.json()
            try json.write(to: URL(fileURLWithPath: "\(path)/explore.json"), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        // What stands in the file, where times are whole seconds: so `report` draws the same bytes again.
        try Self.writeReports(try ExploreResults.decode(json), to: path)
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
