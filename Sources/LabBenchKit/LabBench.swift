import BenchModel
import Foundation
import LabProcesses
public import LockStrategies

/// A bench as a program: `lab-bench`, and any program of another package that adds strategies of its own.
///
/// An executable target that depends on the product `LabBenchKit` needs one line:
///
/// ```swift
/// await LabBench.main(adding: [.myLock])
/// ```
///
/// `Examples/my-lock` of this package is such a program.
public enum LabBench: Sendable {
    /// Reads the arguments of the process, carries out the command, and ends the process with its exit code.
    ///
    /// Every command of `lab-bench` is there. The strategies that were added stand behind the built-in ones
    /// in `strategies`; `run --mode strategy`, `run --mode direct`, `faults --level strategy` and
    /// `conformance` measure and judge them by their names. A lab-server does not know them: `--mode http`
    /// and `--level service` are for the built-in ones, and so are `compare`, `explore` and `selftest`.
    ///
    /// The program starts itself again as a worker, so call this once, first thing, and always with the same
    /// strategies: a worker finds its strategy by name in the list that it is given here. Two strategies of
    /// one name end the process with exit code 64 and a sentence on standard error.
    ///
    /// - Parameter strategies: Strategies of your own; see `StrategyEntry` in `LockStrategies`.
    public static func main(adding strategies: [StrategyEntry] = []) async {
        StandardStream.prepare()
        let all: StrategyRegistry
        do throws(StrategyConfigurationError) {
            all = try StrategyRegistry.builtIn.adding(strategies)
        } catch {
            Terminal.complain("\(error)")
            exit(BenchExit.usage.rawValue)
        }
        let program = CommandLine.arguments.first.map { ($0 as NSString).lastPathComponent }
        let name = strategies.isEmpty ? standardName : program ?? standardName
        await $strategies.withValue(all) {
            await $name.withValue(name) { await BenchCommand.start() }
        }
    }

    /// What the program is called where its own strategies cannot be asked for.
    static let standardName = "lab-bench"

    /// The strategies that the commands know.
    @TaskLocal static var strategies = StrategyRegistry.builtIn

    /// The program's name, for its help and for commands that ask for the same again.
    @TaskLocal static var name = standardName
}
