package import BenchLoad
package import BenchModel
import Foundation

/// A schedule of intended starts on disk: `--schedule-out` writes it, `--schedule-in` replays it.
package enum ScheduleFile {
    package static func read(_ path: String) throws(BenchError) -> ArrivalSchedule {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BenchError(.badInput, "the file \(path) cannot be read (--schedule-in)")
        }
        return try ArrivalSchedule(json: data)
    }

    /// Writes the moments of the first open trial of the plan.
    package static func write(_ plan: RunPlan, to path: String) throws(BenchError) {
        let trials = plan.schedule + (plan.rate.map(plan.openSchedule) ?? [])
        guard let schedule = trials.lazy.compactMap(plan.arrivals(of:)).first else {
            throw BenchError(.badInput, "--schedule-out needs an open model and --rate")
        }
        do {
            try schedule.json().write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw BenchError(.outputFailed, "the schedule cannot be written to \(path)")
        }
    }
}
