/// Runs the tasks of one simulated process: it hands their jobs to the world, which runs one at a time.
final class ProcessExecutor: TaskExecutor {
    /// It owns this executor.
    private unowned let world: World
    private let process: Int

    init(_ world: World, process: Int) {
        self.world = world
        self.process = process
    }

    func enqueue(_ job: consuming ExecutorJob) {
        world.isReady(UnownedJob(job), of: process)
    }

    func run(_ job: UnownedJob) {
        unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }
}
