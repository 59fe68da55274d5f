package import ArgumentParser
import BenchModel
import LabProcesses

/// Entry point of `lab-bench`.
package struct LabBench: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lab-bench",
        abstract: "Replays the same load against every lock strategy, and judges what they sold.",
        discussion: """
            Exit codes: 0 good, 64 usage, 2 regression, 3 invalid measurement, 4 correctness violation, 5 inconclusive, \
            6 server or Redis not reachable, 130 interrupted.
            """,
        version: BenchVersion.current,
        subcommands: [
            RunCommand.self, CompareCommand.self, FaultsCommand.self, ExploreCommand.self, ReportCommand.self,
            SelfTestCommand.self, ConformanceCommand.self, DriversCommand.self,
            StrategiesCommand.self, IndexCommand.self, FaultWorkerCommand.self,
        ])

    package init() {}

    package static func main() async {
        StandardStream.prepare()
        await main(nil)
    }
}
