package import NIOCore
import Synchronization

/// The executor of each event loop, made when it is asked for first.
package final class LoopExecutors: Sendable {
    /// Of this process: tasks on one loop go from one to the other without a turn of the loop between.
    package static let shared = LoopExecutors()

    private let known = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    package init() {}

    package subscript(_ loop: any EventLoop) -> LoopExecutor {
        known.withLock { known in
            if let executor = known[ObjectIdentifier(loop)] { return executor }
            let executor = LoopExecutor(loop)
            known[ObjectIdentifier(loop)] = executor
            return executor
        }
    }
}
