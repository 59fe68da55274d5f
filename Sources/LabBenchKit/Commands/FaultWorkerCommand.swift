import ArgumentParser
import FaultLab
import Foundation

/// `lab-bench fault-worker`: a process of the fault lab that can be stopped and killed alone. Not for people.
struct FaultWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault-worker", abstract: "Buys as a plan says, for the fault lab.", shouldDisplay: false
    )

    @Argument(help: "The plan, as JSON.")
    var plan: String

    func run() async throws {
        let read: WorkerPlan
        do {
            read = try JSONDecoder().decode(WorkerPlan.self, from: Data(plan.utf8))
        } catch {
            Terminal.complain("the plan of a worker cannot be read: \(error)")
            throw ExitCode(64)
        }
        try await Worker(read, from: LabBench.strategies).run()
    }
}
