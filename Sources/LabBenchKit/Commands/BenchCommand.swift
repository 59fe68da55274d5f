import ArgumentParser
import BenchModel

/// All commands of the bench.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: LabBench.name,
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

    /// Carries out what the arguments of the process ask for, and ends the process.
    static func start() async { await main(nil) }
}
