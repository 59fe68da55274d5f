import BenchModel
import BenchResults
import BenchRun
import FaultInjection
import FaultLab
import Foundation
import LabProcesses

/// Looks for everything that the cells will start, before the first of them is run.
enum FaultPrograms {
    /// - Throws: ``BenchError`` with `.unreachable`, in one sentence.
    static func find(_ plan: FaultPlan, server: String?) async throws(BenchError) -> Cell.Programs {
        let cells = plan.matrix.cells
        let bench = Executable.current() ?? CommandLine.arguments[0]
        let isServed = cells.contains { $0.level == .service }
        let found = isServed ? try ServerProcess.find(server) : ""
        guard plan.servers == 1 || PostgresServerProcess.programs() != nil else {
            throw BenchError(.unreachable, PostgresServerProcess.absence)
        }
        do {
            try await withRedisServer { _ in }
            if cells.contains(where: { $0.fault == .clockJump }) { _ = try await ClockShim.build() }
            if cells.contains(where: { [.powerCut, .diskFull].contains($0.fault) }) {
                _ = try await DiskShim.build(folder: FileManager.default.temporaryDirectory.path)
            }
        } catch let error as ShimNotBuilt {
            throw BenchError(
                .unreachable, "\(error); or leave out clock-jump, power-cut and disk-full by --faults")
        } catch {
            throw BenchError(.unreachable, (error as? LabProcessError)?.description ?? "\(error)")
        }
        return Cell.Programs(bench: bench, server: found)
    }
}
