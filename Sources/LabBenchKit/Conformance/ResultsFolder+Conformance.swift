import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses

extension ResultsFolder {
    /// Writes conformance.json, CONFORMANCE.md, junit.xml, and what the drivers wrote to standard error.
    func write(_ results: ConformanceResults, _ drivers: [DriverUnderTest]) throws(BenchError) {
        do {
            let files = FileManager.default
            func keep(_ data: Data, _ name: String) throws {
                try data.write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .atomic)
            }
            try keep(try results.json(), "conformance.json")
            try keep(Data(ConformanceMarkdown(results).text.utf8), "CONFORMANCE.md")
            try keep(Data(ConformanceJUnit(results).text.utf8), "junit.xml")
            for driver in drivers where !driver.log.isEmpty {
                try files.createDirectory(
                    atPath: "\(path)/drivers", withIntermediateDirectories: true)
                try keep(Data(driver.log.map { "\($0)\n" }.joined().utf8), "drivers/\(driver.id).log")
            }
        } catch {
            throw BenchError(.outputFailed, "the results cannot be written to \(path)")
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
