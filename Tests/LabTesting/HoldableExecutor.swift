import Dispatch

/// Runs tasks one step after the other, and stands still while a test holds it: between two steps of a task
/// other things can then happen that hardly ever do.
public final class HoldableExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "held by a test")

    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let step = UnownedJob(job)
        queue.async { unsafe step.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// The step that runs now is the last one for the time being.
    public func hold() { queue.suspend() }

    public func goOn() { queue.resume() }
}
