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
            the newest \(RunIndex.mostCompared); conformance runs stand in a table of their own. The pages need no server: open DIRECTORY/index.html in a browser.
            """)

    @Argument(help: "A folder of runs, as results/ is.", completion: .directory)
    var directory = "results"

    func run() throws {
        do throws(BenchError) {
            let (entries, judged, unread) = try read()
            let index = RunIndex(entries, judged: judged, unread: unread)
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
        entries: [RunIndex.Entry], judged: [RunIndex.Judged], unread: [(folder: String, why: String)]
    ) {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: directory) else {
            throw BenchError(.badInput, "there is no folder \(directory)")
        }
        func holds(_ file: String, _ folder: String) -> Bool {
            files.fileExists(atPath: "\(directory)/\(folder)/\(file)")
        }
        let folders = names.sorted().flatMap { name in [name, "\(name)/base", "\(name)/new"] }
            .filter { holds("results.json", $0) }
        let conformance = names.sorted().filter { holds("conformance.json", $0) }
        guard !folders.isEmpty || !conformance.isEmpty else {
            throw BenchError(
                .badInput,
                "\(directory) holds no runs: none of its folders has a results.json or a conformance.json")
        }
        var judged: [RunIndex.Judged] = []
        var entries: [RunIndex.Entry] = []
        var unread: [(folder: String, why: String)] = []
        for folder in folders {
            do throws(BenchError) {
                entries.append(
                    RunIndex.Entry(
                        folder: folder, results: try ResultsFile.read("\(directory)/\(folder)"),
                        hasPage: holds("report.html", folder)))
            } catch {
                unread.append((folder, error.context))
            }
        }
        for folder in conformance {
            do throws(BenchError) {
                let data = files.contents(atPath: "\(directory)/\(folder)/conformance.json") ?? Data()
                judged.append(
                    RunIndex.Judged(
                        folder: folder, results: try ConformanceResults.decode(data),
                        hasPage: holds("CONFORMANCE.md", folder)))
            } catch {
                unread.append((folder, error.context))
            }
        }
        return (entries, judged, unread)
    }
}
