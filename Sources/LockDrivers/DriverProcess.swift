import Dispatch
import Foundation
import LabProcesses
import Synchronization

/// Why a driver did not answer a request.
package enum DriverSilence: Error, Sendable, Hashable {
    /// The request was not sent.
    case unsent(DriverError)
    /// It was sent, and no answer will come: it may have been carried out.
    case unanswered(DriverError)
    /// The caller's task was cancelled. A grant that comes later is given back.
    case cancelled
}

/// One process of a driver: started, asked many things at once, ended.
///
/// After its first fault it is killed, and every request ends with that fault. The processes of its group are
/// killed when it ends.
package final class DriverProcess: Sendable {
    private enum Reply: Sendable {
        case answer(DriverAnswer)
        case silent(DriverSilence)
    }

    private typealias Conversation = DriverConversation<CheckedContinuation<Reply, Never>>

    private struct State {
        var talk: Conversation
        var child: ChildProcess?
        var greeting: CheckedContinuation<Void, Never>?
        /// Its output has ended.
        var isSilent = false

        /// Under the lock, as every line, so that lines go out in the order of their ids.
        ///
        /// - Returns: False when the driver does not read any more.
        func sendReturns(among events: [Conversation.Event]) -> Bool {
            var isHeard = true
            for case .giveBack(let line) in events { isHeard = child?.send(line) == true && isHeard }
            return isHeard
        }
    }

    package let limits: DriverLimits
    private let state: Mutex<State>

    private init(_ limits: DriverLimits) {
        self.limits = limits
        state = Mutex(State(talk: Conversation(limits, started: .now)))
    }

    /// Starts a driver and waits for its hello.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - redis: URLs for `LAB_REDIS`; the first is the Redis of a lock on one node.
    ///   - environment: The rest of its variables.
    /// - Throws: What is wrong, in one sentence; no process is left then.
    package static func start(
        _ command: [String], redis: [String], environment: [String: String],
        limits: DriverLimits = DriverLimits()
    ) async throws(DriverError) -> DriverProcess {
        guard let program = command.first else {
            throw DriverError(.notStarted, "the driver's command is empty: name a program")
        }
        var variables = environment
        variables["LAB_DRIVER_PROTOCOL"] = "\(DriverLimits.protocolVersion)"
        variables["LAB_REDIS"] = redis.joined(separator: ",")
        let driver = DriverProcess(limits)
        do throws(LabProcessError) {
            let child = try await ChildProcess.converse(
                program, Array(command.dropFirst()), environment: variables
            ) { driver.heard($0) }
            let isSilent = driver.state.withLock { state in
                state.child = child
                return state.isSilent
            }
            if isSilent { Task { await driver.silenced() } }
        } catch {
            throw DriverError(.notStarted, "the driver cannot be started: \(error.context)")
        }
        driver.watchTime()
        await driver.waitForHello()
        if let failure = driver.failure {
            await driver.kill()
            throw failure
        }
        return driver
    }

    /// Nil until it said it.
    package var hello: DriverHello? { state.withLock { $0.talk.hello } }

    /// What it did wrong; nil: nothing until now.
    package var failure: DriverError? { state.withLock { $0.talk.failure } }

    /// Requests without an answer until now.
    package var openRequests: Int { state.withLock { $0.talk.openCount } }

    package var processIdentifier: Int32? { state.withLock { $0.child?.processIdentifier } }

    /// The newest lines of its standard error.
    package var log: [String] { state.withLock { $0.child }?.lines(of: .standardError) ?? [] }

    /// Asks, and waits for the answer as long as the protocol allows.
    ///
    /// - Parameter whenSent: Called once, after the request was sent or could not be.
    package func ask(
        _ operation: DriverOperation, whenSent: @Sendable () -> Void = {}
    ) async throws(DriverSilence) -> DriverAnswer {
        let number = Mutex<Int?>(nil)
        let reply = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                send(operation, continuation) { id in number.withLock { $0 = id } }
                whenSent()
                // A task that was cancelled before it asked has no number when its handler runs.
                if Task.isCancelled { number.withLock { $0 }.map { leave($0) } }
            }
        } onCancel: {
            number.withLock { $0 }.map { leave($0) }
        }
        switch reply {
        case .answer(let answer): return answer
        case .silent(let why): throw why
        }
    }

    private func leave(_ id: Int) {
        state.withLock { $0.talk.leave(id) }?.resume(returning: .silent(.cancelled))
    }

    private func send(
        _ operation: DriverOperation, _ waiter: CheckedContinuation<Reply, Never>, numbered: (Int) -> Void
    ) {
        let (failure, isHeard): (DriverError?, Bool) = state.withLock { state in
            guard let (id, line) = state.talk.ask(operation, waiter, at: .now) else {
                return (state.talk.failure, true)
            }
            numbered(id)
            // Under the lock, so that lines go out in the order of their ids.
            return (nil, state.child?.send(line) == true)
        }
        if let failure { waiter.resume(returning: .silent(.unsent(failure))) }
        if !isHeard { Task { await self.deafened() } }
    }
}

extension DriverProcess {
    private func waitForHello() async {
        await withCheckedContinuation { continuation in
            let isKnown = state.withLock { state in
                let isKnown = state.talk.hello != nil || state.talk.failure != nil
                if !isKnown { state.greeting = continuation }
                return isKnown
            }
            if isKnown { continuation.resume() }
        }
    }

    /// On the thread that reads.
    private func heard(_ bytes: ArraySlice<UInt8>?) {
        let now = ContinuousClock.now
        if let bytes {
            let (events, isHeard) = state.withLock { state in
                let events = state.talk.heard(bytes, at: now)
                return (events, state.sendReturns(among: events))
            }
            act(events)
            if !isHeard { Task { await self.deafened() } }
        } else {
            // The thread that reads also announces the end, so it must not wait for it here.
            let isStarted = state.withLock { state in
                state.isSilent = true
                return state.child != nil
            }
            if isStarted { Task { await self.silenced() } }
        }
    }

    /// A line could not be sent: it has ended, or it lives and does not read.
    private func deafened() async {
        guard let child = state.withLock({ $0.child }) else { return }
        if await child.waitUntilExit(within: min(limits.quit, .seconds(1))) == nil {
            act(state.withLock { $0.talk.closedInput() })
        } else {
            await silenced()
        }
    }

    /// Its standard output has ended: says whether it lives.
    private func silenced() async {
        guard let child = state.withLock({ $0.child }) else { return }
        let status = await child.waitUntilExit(within: min(limits.quit, .seconds(1)))
        let last = child.lines(of: .standardError).last { !$0.allSatisfy(\.isWhitespace) }
        let how = status.map { "ended with \($0)" } ?? "closed its standard output"
        act(
            state.withLock { state in
                state.talk.closed(how, lastWords: last.map { DriverError.quoted($0.utf8) })
            })
    }

    /// Looks at the open requests until the driver has failed or ended.
    private func watchTime() {
        let pause = max(.milliseconds(10), min(.milliseconds(50), limits.answer / 10))
        let nanoseconds = Int(pause / .nanoseconds(1))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [weak self] in
            guard let self else { return }
            let (events, goesOn) = self.state.withLock { state in
                (state.talk.passed(to: .now), state.talk.failure == nil && state.child?.isRunning == true)
            }
            self.act(events)
            if goesOn { self.watchTime() }
        }
    }

    private func act(_ events: [Conversation.Event]) {
        for event in events {
            switch event {
            case .hello: greeted()
            case .answer(let answer, let waiter): waiter.resume(returning: .answer(answer))
            // Sent when it was heard of.
            case .giveBack: break
            case .failed(let error, let waiters):
                state.withLock { $0.child }?.signal(SIGKILL)
                for waiter in waiters { waiter.resume(returning: .silent(.unanswered(error))) }
                greeted()
            }
        }
    }

    private func greeted() {
        let greeting = state.withLock { state in
            defer { state.greeting = nil }
            return state.greeting
        }
        greeting?.resume()
    }
}

/// How a driver is asked to end.
package enum DriverEnding: Sendable, CaseIterable {
    case quit, endOfInput
}

extension DriverProcess {
    /// Asks it to end, and kills it when it does not in time. A second call does nothing.
    ///
    /// - Returns: What it did wrong, at its end or before; nil: nothing.
    @discardableResult
    package func stop(_ ending: DriverEnding = .quit) async -> DriverError? {
        let child = state.withLock { state in
            state.talk.end()
            return state.child
        }
        guard let child else { return failure }
        if failure == nil {
            if ending == .quit { _ = child.send(DriverCoding.line(DriverRequest.quit)) }
            child.closeInput()
        }
        let status = failure == nil ? await child.waitUntilExit(within: limits.quit) : nil
        await kill()
        let said = ending == .quit ? "{\"op\":\"quit\"}" : "the end of its standard input"
        let wrong: DriverError?
        switch status {
        case .exited(0): wrong = nil
        case .some(let other):
            wrong = DriverError(.wrongEnd, "after \(said) the driver ended with \(other), and not with 0")
        case nil:
            wrong = DriverError(
                .wrongEnd, "the driver did not end within \(DriverError.time(limits.quit)) of \(said)")
        }
        if let wrong { act(state.withLock { $0.talk.failure == nil ? [$0.talk.failed(wrong)] : [] }) }
        return failure
    }

    /// Kills it, and waits until it is gone.
    package func kill() async {
        await state.withLock { $0.child }?.killNow()
    }
}
