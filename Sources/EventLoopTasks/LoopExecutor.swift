package import NIOCore
import Synchronization

/// Runs tasks on one event loop: that of the connection whose requests they answer, or whose replies they
/// wait for.
///
/// Without it each step of a request changes threads: from the loop that reads it to the cooperative pool,
/// and back to the loop that writes the answer. To wake a thread costs more than most of those steps. What is
/// enqueued while the loop is busy runs in one go. A task must not block its thread: it would stop the loop.
package final class LoopExecutor: TaskExecutor {
    private struct Line {
        var jobs: [UnownedJob] = []
        /// An array of before, for the next jobs, so that none is made for each turn.
        var spare: [UnownedJob] = []
        var isTurnPlanned = false
    }

    private let loop: any EventLoop
    private let line = Mutex(Line())

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustPlan = line.withLock { line in
            line.jobs.append(job)
            defer { line.isTurnPlanned = true }
            return !line.isTurnPlanned
        }
        if mustPlan { loop.execute { self.turn() } }
    }

    /// Runs what waits now; what comes meanwhile waits for the next turn, behind the loop's reads and writes.
    private func turn() {
        var jobs = line.withLock { line in
            line.isTurnPlanned = false
            let jobs = line.jobs
            line.jobs = line.spare
            line.spare = []
            return jobs
        }
        for job in jobs { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
        jobs.removeAll(keepingCapacity: true)
        line.withLock { $0.spare = jobs }
    }
}
