import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses

extension ResultsFolder {
    /// Writes conformance.json, CONFORMANCE.md, junit.xml, and what the drivers wrote to standard error.
    func write(_ results: ConformanceResults, _ drivers: [DriverUnderTest]) throws(BenchError) {
        do {
            func keep(_ data: Data, _ name: String) throws {
                try data.write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .atomic)
            }
            try keep(try results.json(), "conformance.json")
            for driver in drivers where !driver.log.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/drivers", withIntermediateDirectories: true)
                try keep(Data(driver.log.map { "\($0)\n" }.joined().utf8), "drivers/\(driver.id).log")
            }
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
        }
        try Self.writeReports(results, to: path)
    }

    /// Draws everything that is drawn from conformance.json alone.
    static func writeReports(_ results: ConformanceResults, to folder: String) throws(BenchError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (name, text) in [
                ("CONFORMANCE.md", ConformanceMarkdown(results).text),
                ("junit.xml", ConformanceJUnit(results).text),
            ] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
            }
        } catch {
            throw BenchError(.outputFailed, "the reports cannot be written to \(folder)")
        }
    }

    /// Prints what stands in conformance.json.
    func show(_ results: ConformanceResults) throws(BenchError) {
        do {
            try StandardStream.output.write([UInt8](try results.json()))
        } catch {
            throw BenchError(.outputFailed, "the results cannot be printed: \(error); they stand in \(path)")
        }
    }
}
