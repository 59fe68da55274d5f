import Foundation
import Synchronization

/// The standard input of a child process. Nobody waits for a child that does not read: what does not fit into
/// the pipe is written by a thread of its own, later.
final class ChildInput: Sendable {
    private struct State {
        /// Nil: closed.
        var descriptor: Int32?
        /// In the order in which it was sent.
        var waiting: [UInt8] = []
        var closesWhenWritten = false
    }

    private let state: Mutex<State>

    /// - Parameter descriptor: Owned from now on.
    init(_ descriptor: Int32) {
        // A child that has closed its input is an answer of `send`, and not the end of this process.
        _ = signal(SIGPIPE, SIG_IGN)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        if let descriptor = state.withLock({ $0.descriptor }) { Foundation.close(descriptor) }
    }

    /// - Returns: false when nobody reads any more.
    func send(_ bytes: [UInt8]) -> Bool {
        let (isOpen, isFirst): (Bool, Bool) = state.withLock { state in
            guard state.descriptor != nil, !state.closesWhenWritten else { return (false, false) }
            guard state.waiting.isEmpty else {
                state.waiting += bytes
                return (true, false)
            }
            let rest = Self.write(bytes[...], &state)
            state.waiting = Array(rest)
            return (state.descriptor != nil, !rest.isEmpty)
        }
        if isFirst { Thread.detachNewThread { self.writeRest() } }
        return isOpen
    }

    /// Ends the input, after what was sent. What a child does not read within its life is lost.
    func close() {
        state.withLock { state in
            state.closesWhenWritten = true
            if state.waiting.isEmpty { Self.close(&state) }
        }
    }

    private func writeRest() {
        while true {
            guard let descriptor = state.withLock({ $0.descriptor }) else { return }
            var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&polled, 1, 100)
            let isDone = state.withLock { state in
                state.waiting = Array(Self.write(state.waiting[...], &state))
                guard state.waiting.isEmpty else { return false }
                if state.closesWhenWritten { Self.close(&state) }
                return true
            }
            if isDone { return }
        }
    }

    /// - Returns: What did not fit.
    private static func write(_ bytes: ArraySlice<UInt8>, _ state: inout State) -> ArraySlice<UInt8> {
        var rest = bytes
        while let descriptor = state.descriptor, !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                return rest
            } else if errno != EINTR {
                close(&state)
            }
        }
        return []
    }

    private static func close(_ state: inout State) {
        guard let descriptor = state.descriptor else { return }
        Foundation.close(descriptor)
        state.descriptor = nil
        state.waiting = []
    }
}
