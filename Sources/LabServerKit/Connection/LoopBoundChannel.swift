import EventLoopTasks
import HummingbirdCore
import Logging
import NIOCore

/// A connection whose requests are answered on its own event loop; see ``LoopExecutor``.
struct LoopBoundChannel<Base: ServerChildChannel>: ServerChildChannel {
    private let base: Base
    private let executors: LoopExecutors

    init(_ base: Base, _ executors: LoopExecutors) {
        self.base = base
        self.executors = executors
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(executors[value.channel.eventLoop]) {
            await base.handle(value: value, logger: logger)
        }
    }
}
