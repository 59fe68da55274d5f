import Dispatch
import Foundation
import Synchronization

/// A process that this process started and looks after.
///
/// It is in a process group of its own, so Ctrl-C in the terminal does not reach it, and (Linux, where
/// `setpriv` is installed) the kernel kills it when this process dies, whatever the reason. All waits are
/// bounded and go on in a cancelled task, because stopping children is what cancelled tasks have to do.
public final class ChildProcess: Sendable {
    private struct State {
        var log = OutputLog()
        /// No more output will come.
        var isSilent = false
        /// Reaped: the number may belong to somebody else.
        var status: ExitStatus?
        var nextWaiter = 0
        var waiters: [Int: Waiter] = [:]
    }

    private enum Waiter {
        case exit(CheckedContinuation<ExitStatus?, Never>)
        case line(CheckedContinuation<String?, Never>, OutputStream, @Sendable (String) -> Bool)
    }

    /// The number of the process; the same before and after it replaced `setpriv`.
    public let processIdentifier: Int32
    /// What was started, for messages.
    public let executable: String
    private let state = Mutex(State())
    /// Nil: this process does not speak with the child.
    private let talk: Talk?

    private struct Talk {
        let input: ChildInput
        let hear: Hearing
    }

    /// Gets the standard output of a child that this process speaks with, as it comes: bytes, and nil once at
    /// its end. Called on the thread that reads, so it must not wait.
    package typealias Hearing = @Sendable (ArraySlice<UInt8>?) -> Void

    /// Starts a program.
    ///
    /// - Parameter environment: Nil: the one of this process.
    /// - Throws: ``LabProcessError`` when there is no such program or it cannot be started.
    public static func start(
        _ executable: String, _ arguments: [String] = [],
        environment: [String: String]? = nil
    ) async throws(LabProcessError) -> ChildProcess {
        try await launch(executable, arguments, environment, as: nil, hear: nil)
    }

    /// Starts a program as another user of the system, which only root can do.
    package static func start(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil,
        as user: SystemUser?
    ) async throws(LabProcessError) -> ChildProcess {
        try await launch(executable, arguments, environment, as: user, hear: nil)
    }

    /// Starts a program with which this process speaks over its standard input and output.
    ///
    /// What it writes to its standard output goes to `hear` alone and not to ``lines(of:)``. The processes
    /// that it started itself, and left in its group, are killed when it ends.
    package static func converse(
        _ executable: String, _ arguments: [String], environment: [String: String], hear: @escaping Hearing
    ) async throws(LabProcessError) -> ChildProcess {
        try await launch(executable, arguments, environment, as: nil, hear: hear)
    }

    private static func launch(
        _ executable: String, _ arguments: [String], _ environment: [String: String]?, as user: SystemUser?,
        hear: Hearing?
    ) async throws(LabProcessError) -> ChildProcess {
        let environment = environment ?? ProcessInfo.processInfo.environment
        guard let path = Executable.find(executable, environment: environment) else {
            throw LabProcessError(.executableMissing, "there is no program \(executable)")
        }
        var command = [path] + arguments
        if let setpriv = Executable.find("/usr/bin/setpriv") {
            // Together: the kernel forgets the signal when the user changes.
            command = [setpriv] + (user?.options ?? []) + ["--pdeathsig", "KILL", "--"] + command
        } else if user != nil {
            throw LabProcessError(
                .executableMissing, "there is no program setpriv; install util-linux")
        }
        let line = command
        let result: Result<ChildProcess, LabProcessError> = await withCheckedContinuation { continuation in
            // The kernel kills the child when the *thread* that started it ends. So each child has a thread
            // of its own, which ends after the child was reaped.
            Thread.detachNewThread {
                let spawned: SpawnedProcess
                do throws(LabProcessError) {
                    spawned = try Spawn.start(line, environment: environment, hasInput: hear != nil)
                } catch {
                    continuation.resume(returning: .failure(error))
                    return
                }
                let input = spawned.standardInput.map { ChildInput($0) }
                let child = ChildProcess(spawned.pid, path, input, hear)
                continuation.resume(returning: .success(child))
                child.supervise(spawned)
            }
        }
        return try result.get()
    }

    private init(_ pid: pid_t, _ executable: String, _ input: ChildInput?, _ hear: Hearing?) {
        processIdentifier = pid
        self.executable = executable
        if let input, let hear { talk = Talk(input: input, hear: hear) } else { talk = nil }
    }

    /// Writes to its standard input, without waiting for it to read.
    ///
    /// - Returns: false when nobody reads there any more.
    package func send(_ bytes: [UInt8]) -> Bool { talk?.input.send(bytes) ?? false }

    /// Ends its standard input.
    package func closeInput() { talk?.input.close() }

    /// The exit status, or nil while the process runs.
    public var exitStatus: ExitStatus? { state.withLock(\.status) }

    public var isRunning: Bool { exitStatus == nil }

    /// The newest lines of one output, or of both in the order in which they came.
    public func lines(of stream: OutputStream? = nil) -> [String] {
        state.withLock { state in
            state.log.lines.filter { stream == nil || $0.stream == stream }.map(\.text)
        }
    }

    /// How many lines it has written to both outputs, those not kept any more included.
    public var linesWritten: Int { state.withLock(\.log.total) }

    /// Sends a signal; does nothing once the process has ended.
    public func signal(_ number: Int32) {
        state.withLock { state in
            if state.status == nil { kill(processIdentifier, number) }
        }
    }

    /// Asks the process to end (SIGTERM) and kills it (SIGKILL) when it does not within `grace`.
    @discardableResult
    public func terminate(grace: Duration = .seconds(5)) async -> ExitStatus {
        signal(SIGTERM)
        // A stopped process does not see SIGTERM.
        signal(SIGCONT)
        if let status = await waitUntilExit(within: grace) { return status }
        return await killNow()
    }

    /// Kills the process (SIGKILL) and waits for its end.
    @discardableResult
    public func killNow() async -> ExitStatus {
        signal(SIGKILL)
        return await waitUntilExit()
    }

    /// Waits for the end of the process.
    @discardableResult
    public func waitUntilExit() async -> ExitStatus {
        while true {
            if let status = await waitUntilExit(within: .seconds(3600)) { return status }
        }
    }

    /// Waits for the end of the process, no longer than `limit`; nil when it still runs then.
    public func waitUntilExit(within limit: Duration) async -> ExitStatus? {
        await withCheckedContinuation { continuation in
            let waiter: Int? = state.withLock { state in
                if state.status != nil && state.isSilent { return nil }
                return Self.add(.exit(continuation), to: &state)
            }
            guard let waiter else { return continuation.resume(returning: exitStatus) }
            expire(waiter, after: limit)
        }
    }

    /// The first line for which `matches` answers true, among those already written and those to come.
    ///
    /// - Returns: nil when the process closed its outputs, or the limit passed, before such a line.
    public func line(
        of stream: OutputStream = .standardOutput, within limit: Duration,
        matches: @escaping @Sendable (String) -> Bool
    ) async -> String? {
        await withCheckedContinuation { continuation in
            let (found, waiter): (String?, Int?) = state.withLock { state in
                let found = state.log.lines.first { $0.stream == stream && matches($0.text) }
                if let found { return (found.text, nil) }
                if state.isSilent { return (nil, nil) }
                return (nil, Self.add(.line(continuation, stream, matches), to: &state))
            }
            guard let waiter else { return continuation.resume(returning: found) }
            expire(waiter, after: limit)
        }
    }

    private static func add(_ waiter: Waiter, to state: inout State) -> Int {
        state.nextWaiter += 1
        state.waiters[state.nextWaiter] = waiter
        return state.nextWaiter
    }

    private func expire(_ id: Int, after limit: Duration) {
        let nanoseconds = limit / .nanoseconds(1)
        let deadline = DispatchTime.now() + .nanoseconds(Int(min(max(nanoseconds, 0), 1e17)))
        // Weak: an hour-long limit does not keep an ended child.
        DispatchQueue.global().asyncAfter(deadline: deadline) { [weak self] in
            guard let self else { return }
            let waiter = self.state.withLock { $0.waiters.removeValue(forKey: id) }
            switch waiter {
            case .exit(let continuation): continuation.resume(returning: nil)
            case .line(let continuation, _, _): continuation.resume(returning: nil)
            case nil: break
            }
        }
    }
}

extension ChildProcess {
    /// Body of the child's thread: a second thread reads, this one waits for the end.
    private func supervise(_ spawned: SpawnedProcess) {
        let (ended, wake) = spawned.ended
        let reader = DispatchGroup()
        reader.enter()
        Thread.detachNewThread {
            self.read(spawned, until: ended)
            reader.leave()
        }
        // Waits without reaping: the number stays ours until `reap` takes it under the lock.
        var info = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(spawned.pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        close(wake)
        // What the child wrote is in the pipes: the reader takes it, then the end is announced.
        reader.wait()
        close(ended)
        talk?.input.close()
        finish(reap(spawned.pid))
    }

    private func reap(_ pid: pid_t) -> ExitStatus {
        state.withLock { state in
            var raw: Int32 = 0
            // The number of its group is ours as long as it is not reaped.
            if talk != nil { kill(-pid, SIGKILL) }
            while unsafe waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
            let signal = raw & 0x7f
            let status: ExitStatus = signal == 0 ? .exited((raw >> 8) & 0xff) : .signalled(signal)
            state.status = status
            return status
        }
    }

    private func finish(_ status: ExitStatus) {
        let waiters = state.withLock { state in
            state.log.finish()
            state.isSilent = true
            defer { state.waiters = [:] }
            return (state.waiters.values, state.log.lines)
        }
        for waiter in waiters.0 {
            switch waiter {
            case .exit(let continuation):
                continuation.resume(returning: status)
            case .line(let continuation, let stream, let matches):
                let last = waiters.1.first { $0.stream == stream && matches($0.text) }
                continuation.resume(returning: last?.text)
            }
        }
    }

    /// Reads both outputs until both are closed, or the child has ended and nothing is left in them (a
    /// grandchild may hold them open).
    private func read(_ spawned: SpawnedProcess, until ended: Int32) {
        var open = [
            spawned.standardOutput: OutputStream.standardOutput,
            spawned.standardError: OutputStream.standardError,
        ]
        for descriptor in open.keys { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        var hasEnded = false
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while !open.isEmpty && !hasEnded {
            var polled = (open.keys + [ended]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard unsafe poll(&polled, nfds_t(polled.count), -1) >= 0 else { continue }
            // Looked at before reading: what was written before the end is read below.
            hasEnded = polled.last?.revents != 0
            for (descriptor, stream) in open where !drain(descriptor, stream, &buffer) {
                close(descriptor)
                open[descriptor] = nil
            }
        }
        for (descriptor, stream) in open {
            close(descriptor)
            if stream == .standardOutput { talk?.hear(nil) }
        }
    }

    /// - Returns: false at the end of the stream.
    private func drain(_ descriptor: Int32, _ stream: OutputStream, _ buffer: inout [UInt8]) -> Bool {
        while true {
            let count = unsafe Foundation.read(descriptor, &buffer, buffer.count)
            if count > 0, stream == .standardOutput, let talk {
                talk.hear(buffer[..<count])
            } else if count > 0 {
                take(buffer[..<count], stream)
            } else if count == 0 {
                if stream == .standardOutput { talk?.hear(nil) }
                return false
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>, _ stream: OutputStream) {
        let found = state.withLock { state in
            let lines = state.log.append(bytes, to: stream)
            var found: [(CheckedContinuation<String?, Never>, String)] = []
            for (id, waiter) in state.waiters {
                guard case .line(let continuation, stream, let matches) = waiter,
                    let line = lines.first(where: matches)
                else { continue }
                state.waiters[id] = nil
                found.append((continuation, line))
            }
            return found
        }
        for (continuation, line) in found { continuation.resume(returning: line) }
    }
}
