import ArgumentParser
import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses

/// `lab-bench index`.
struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Writes index.html into a folder of runs: trends, and any two of them compared.",
        discussion: """
            Runs whose conditions are equal stand together, with a trend of each strategy and a page for any two of \
            the newest \(RunIndex.mostCompared). The pages need no server: open DIRECTORY/index.html in a browser.
            """)

    @Argument(help: "A folder of runs, as results/ is.", completion: .directory)
    var directory = "results"

    func run() throws {
        do throws(BenchError) {
            let (entries, unread) = try read()
            let index = RunIndex(entries, unread: unread)
            do {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/compare", withIntermediateDirectories: true)
                for page in index.pages {
                    try Data(page.text.utf8).write(
                        to: URL(fileURLWithPath: "\(directory)/\(page.path)"), options: .atomic)
                }
            } catch {
                throw BenchError(.outputFailed, "the index cannot be written to \(directory)")
            }
            for folder in unread { Terminal.complain("\(folder.folder) was left out: \(folder.why)") }
            StandardStream.output.say("index: \(directory)/index.html\n")
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.exitCode.rawValue)
        }
    }

    /// The folders in the folder that hold results, and those of a paired comparison.
    private func read() throws(BenchError) -> (
        entries: [RunIndex.Entry], unread: [(folder: String, why: String)]
    ) {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: directory) else {
            throw BenchError(.badInput, "there is no folder \(directory)")
        }
        let folders = names.sorted().flatMap { name in [name, "\(name)/base", "\(name)/new"] }
            .filter { files.fileExists(atPath: "\(directory)/\($0)/results.json") }
        guard !folders.isEmpty else {
            throw BenchError(.badInput, "\(directory) holds no runs: none of its folders has a results.json")
        }
        var entries: [RunIndex.Entry] = []
        var unread: [(folder: String, why: String)] = []
        for folder in folders {
            do throws(BenchError) {
                entries.append(
                    RunIndex.Entry(
                        folder: folder, results: try ResultsFile.read("\(directory)/\(folder)"),
                        hasPage: files.fileExists(atPath: "\(directory)/\(folder)/report.html")))
            } catch {
                unread.append((folder, error.context))
            }
        }
        return (entries, unread)
    }
}
