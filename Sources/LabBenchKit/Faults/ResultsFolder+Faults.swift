import BenchModel
import BenchReports
import BenchResults
import BenchRun
import FaultAudit
import Foundation
import LabProcesses

extension ResultsFolder {
    /// Keeps what happened in the try of a cell that is shown: a line for each call.
    ///
    /// - Returns: The file, in this folder; nil when it cannot be written.
    func keep(_ history: History, of cell: FaultCell) -> String? {
        let name = "histories/\(cell.name).csv.gz"
        try? FileManager.default.createDirectory(
            atPath: "\(path)/histories", withIntermediateDirectories: true)
        guard let file = GzipFile(path: "\(path)/\(name)") else { return nil }
        var text =
            "id,buyer,process,units,invoked_ns,answered_ns,outcome,hold_from_ns,hold_until_ns,fence,"
            + "asked_ns,left_ns,remaining\n"
        for one in history.operations {
            let fields: [String] = [
                "\(one.id)", "\(one.buyer)", "\(one.process)", "\(one.units)", "\(one.invoked)",
                one.answered.map(String.init) ?? "", one.outcome.rawValue,
                one.hold.map { String($0.from) } ?? "", one.hold?.until.map(String.init) ?? "",
                one.hold?.fence.map(String.init) ?? "", one.hold?.asked.map(String.init) ?? "",
                one.hold?.left.map(String.init) ?? "", one.remaining.map(String.init) ?? "",
            ]
            text += fields.joined(separator: ",") + "\n"
        }
        return file.write(text) ? name : nil
    }

    func write(_ results: FaultResults) throws(BenchError) {
        do {
            try results.json().write(to: URL(fileURLWithPath: "\(path)/faults.json"), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        try Self.writeReports(results, to: path)
    }

    /// Draws everything that is drawn from faults.json alone.
    static func writeReports(_ results: FaultResults, to folder: String) throws(BenchError) {
        let files = FileManager.default
        let histories = results.cells.compactMap { $0.shown?.history }
        let raw = (["faults.json"] + histories).filter { files.fileExists(atPath: "\(folder)/\($0)") }
        let pages = FaultPages(results, files: Set(raw + ["FAULTS.md"])).pages
        let names = Set(raw + ["FAULTS.md"] + pages.map(\.path))
        let all = pages + [(path: "FAULTS.md", text: FaultMarkdown(results, files: names).text)]
        do {
            try files.createDirectory(atPath: "\(folder)/cells", withIntermediateDirectories: true)
            for page in all {
                try Data(page.text.utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/\(page.path)"), options: .atomic)
            }
        } catch {
            throw BenchError(.outputFailed, "the reports cannot be written to \(folder)")
        }
    }

    /// Prints what stands in faults.json.
    func show(_ results: FaultResults) throws(BenchError) {
        do {
            try StandardStream.output.write([UInt8](try results.json()))
        } catch {
            throw BenchError(.outputFailed, "the results cannot be printed: \(error); they stand in \(path)")
        }
    }
}
