import Foundation
import LabProcesses
import Synchronization

/// Takes the lines of the log away from those who write them: a queue with an end, and a thread that writes.
///
/// A full disk, a pipe that nobody reads, or a reader that is gone stops nobody: what cannot be written, or
/// does not fit into the queue any more, is dropped and counted. When lines get through again, one says how
/// many are missing.
final class LogSink: Sendable {
    private struct State {
        var lines: [String] = []
        var bytes = 0
        /// Taken out of the queue and not yet written.
        var isWriting = false
        /// Since the last line that got through.
        var missing = 0
    }

    /// Lines that were never written.
    let dropped = Counter()
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)
    private let write: @Sendable (String) throws -> Void
    /// The line that says how many are missing.
    private let notice: @Sendable (_ missing: Int) -> String
    private let capacity: Int

    /// - Parameters:
    ///   - capacity: Bytes of lines that wait.
    ///   - write: Called by one thread; may block, and may fail.
    init(
        capacity: Int = 4 << 20, notice: @escaping @Sendable (_ missing: Int) -> String,
        write: @escaping @Sendable (String) throws -> Void
    ) {
        self.capacity = capacity
        self.notice = notice
        self.write = write
        let thread = Thread { [weak self, news] in
            // The thread ends with the sink: a sink that is gone has rung once more.
            while true {
                news.wait()
                guard let self else { return }
                self.writeWaiting()
            }
        }
        thread.name = "log"
        thread.start()
    }

    deinit { news.signal() }

    /// Returns at once.
    func put(_ line: String) {
        let isTaken = state.withLock { state in
            guard state.bytes + line.utf8.count <= capacity else {
                state.missing += 1
                return false
            }
            state.lines.append(line)
            state.bytes += line.utf8.count
            return true
        }
        if isTaken { news.signal() } else { dropped.add() }
    }

    private func writeWaiting() {
        let (lines, missing) = state.withLock { state in
            defer {
                state.lines = []
                state.bytes = 0
                state.missing = 0
            }
            state.isWriting = !state.lines.isEmpty
            return (state.lines, state.missing)
        }
        guard !lines.isEmpty else {
            if missing > 0 { state.withLock { $0.missing += missing } }
            return
        }
        var lost = missing
        for line in lines {
            do {
                try write(lost > 0 ? line + notice(lost) : line)
                lost = 0
            } catch {
                lost += 1
                dropped.add()
            }
        }
        state.withLock { state in
            state.missing += lost
            state.isWriting = false
        }
    }

    /// Waits until what was put is written or dropped.
    ///
    /// - Returns: False when the time was over first.
    func drain(within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while state.withLock({ !$0.lines.isEmpty || $0.isWriting }) {
            guard ContinuousClock.now < end else { return false }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return true
    }
}
