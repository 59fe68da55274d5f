package import BenchModel
package import NIOCore
import NIOPosix

/// Times of one load.
package struct LoadPlan: Sendable {
    package let warmup: Duration
    package let duration: Duration
    /// How long answers are waited for after the window.
    package let drain: Duration
    /// Nil: a closed load.
    package var arrivals: ArrivalSchedule?
    /// How many the users choose from.
    package var products: Int
    package var scenario: Scenario
    /// Decides which requests are kept as samples.
    package var seed: UInt64 = 1
    /// The window begins when it was meant to, whether the load sells evenly or not.
    package var isWarmupFixed = false
    /// Told when the first request is sent.
    package var onStart: (@Sendable (NIODeadline) -> Void)?

    package init(
        warmup: Duration, duration: Duration, drain: Duration, arrivals: ArrivalSchedule? = nil,
        products: Int = 1, scenario: Scenario = Scenario.purchase
    ) {
        self.warmup = warmup
        self.duration = duration
        self.drain = drain
        self.arrivals = arrivals
        self.products = products
        self.scenario = scenario
    }

    package func schedule(from start: NIODeadline) -> LoadSchedule {
        LoadSchedule(start: start, warmup: warmup, duration: duration, drain: drain)
    }
}

/// Drives a server over HTTP: each user has a connection of its own. In a closed load each begins its next
/// visit when the last one is over; in an open one each takes the next arrival. One event-loop thread: one of
/// the process's, which are never shut down, because a connection that is still being opened when the load
/// ends reports back to its event loop later.
package enum LoadGenerator {
    /// Drives one server; as ``run(_:_:_:progress:)`` with several.
    package static func run(
        _ target: LoadTarget, _ users: [any LoadUser], _ plan: LoadPlan,
        progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> LoadRecord {
        try await run([target], users, plan, progress: progress)
    }

    /// - Parameters:
    ///   - targets: User i talks to the one at place i, counted round.
    ///   - progress: Told every 250 ms; finished when the load ends.
    /// - Throws: `CancellationError`, or ``BenchError`` when the server cannot be connected to.
    package static func run(
        _ targets: [LoadTarget], _ users: [any LoadUser], _ plan: LoadPlan,
        progress: AsyncStream<LoadProgress>.Continuation
    ) async throws -> LoadRecord {
        defer { progress.finish() }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        return try await run(targets, users, plan, progress, on: eventLoop)
    }

    private static func run(
        _ targets: [LoadTarget], _ users: [any LoadUser], _ plan: LoadPlan,
        _ progress: AsyncStream<LoadProgress>.Continuation, on eventLoop: any EventLoop
    ) async throws -> LoadRecord {
        let finished = eventLoop.makePromise(of: LoadRecord.self)
        let session = try await eventLoop.submit {
            let session = LoadSession(
                targets: targets, users: users, plan: plan, eventLoop: eventLoop,
                finished: finished, progress: progress)
            session.start()
            return NIOLoopBound(session, eventLoop: eventLoop)
        }.get()
        return try await withTaskCancellationHandler {
            try await finished.futureResult.get()
        } onCancel: {
            eventLoop.execute { session.value.cancel() }
        }
    }
}
