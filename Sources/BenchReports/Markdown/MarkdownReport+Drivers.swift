import BenchModel
import BenchResults

/// Locks in other languages, and what the way to them costs.
extension MarkdownReport {
    var drivers: [String] {
        guard let drivers = results.systemUnderTest.drivers, !drivers.isEmpty else { return [] }
        let rows = drivers.map { driver in
            [
                driver.id, "\(driver.name) \(driver.version)", driver.setting ?? "-",
                driver.abilities.isEmpty ? "-" : driver.abilities.joined(separator: ", "),
                "\(driver.processes)",
            ]
        }
        var lines =
            ["## Drivers", ""]
            + Self.table(["strategy", "library", "setting", "abilities", "processes"], rows)
        if let pipe = results.systemUnderTest.driverPipe {
            lines += [
                "",
                "Each acquisition and each release of a driver goes through a pipe. An echo driver in this run shows "
                    + "what the pipe alone costs: \(Text.number(pipe.perOperationUs)) µs an operation with "
                    + "\(pipe.requestsOpen) requests open, \(Text.number(pipe.aloneUs)) µs from a request to its answer "
                    + "with one open (medians). The figures of the drivers contain it.",
            ]
        }
        return lines
    }
}
