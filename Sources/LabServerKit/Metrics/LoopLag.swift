import NIOCore
import ServiceLifecycle
import Synchronization

/// How late work is begun: on the event loops, which read and write, and in the pool of tasks, which answer.
///
/// Each is asked for a sign of life all the time; what comes late was behind something that blocked or was
/// simply too much. Costs a timer for each loop and interval.
final class LoopLag: Sendable {
    private let loops = Histogram(bounds: Histogram.fine)
    private let tasks = Histogram(bounds: Histogram.fine)

    /// Looks until the task is cancelled or asked to end.
    func watch(_ group: any EventLoopGroup, every interval: Duration) async {
        let (seconds, attoseconds) = interval.components
        let pause = TimeAmount.nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        let probes = group.makeIterator().map { LoopProbe($0, every: pause, loops) }
        for probe in probes { probe.begin() }
        let clock = ContinuousClock()
        while !Task.isShuttingDownGracefully {
            let due = clock.now + interval
            guard (try? await clock.sleep(until: due, tolerance: .zero)) != nil else { break }
            tasks.observe(due.duration(to: clock.now))
        }
        for probe in probes { probe.end() }
    }

    func write(to page: inout Exposition) {
        for (name, help, histogram) in [
            ("lab_event_loop_lag_seconds", "How late event loops came to a timer.", loops),
            ("lab_task_lag_seconds", "How late the pool of tasks came to a timer.", tasks),
        ] {
            page.family(name, "histogram", help)
            page.histogram(name, [], histogram)
        }
    }
}

/// A timer of one event loop that notes how late it is.
private final class LoopProbe: Sendable {
    private let loop: any EventLoop
    private let pause: TimeAmount
    private let lag: Histogram
    private let isOver = Atomic<Bool>(false)

    init(_ loop: any EventLoop, every pause: TimeAmount, _ lag: Histogram) {
        self.loop = loop
        self.pause = pause
        self.lag = lag
    }

    func begin() {
        let due = NIODeadline.now() + pause
        loop.scheduleTask(deadline: due) {
            guard !self.isOver.load(ordering: .relaxed) else { return }
            self.lag.observe(.nanoseconds((NIODeadline.now() - due).nanoseconds))
            self.begin()
        }
    }

    func end() { isOver.store(true, ordering: .relaxed) }
}
