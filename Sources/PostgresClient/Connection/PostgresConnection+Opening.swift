import Dispatch
import Synchronization

/// From nothing to a connection that is signed in. The socket may be another one after each step, so each
/// step has a source of its own.
extension PostgresConnection {
    func start(_ opening: Opening, within limit: Duration) {
        let isClosed = state.withLock { state in
            if !state.isClosing { state.opening = opening }
            return state.isClosing
        }
        if isClosed {
            return opening.resume(
                returning: .failure(PostgresError(.closed, "the connection to PostgreSQL was closed")))
        }
        queue.async {
            let isMade = self.state.withLock { state in
                guard !state.isClosing else { return true }
                state.handle = PostgresHandle(self.endpoint)
                return state.handle != nil
            }
            if isMade {
                self.step()
            } else {
                self.end(PostgresError(.unreachable, "there is no memory left"))
            }
        }
        queue.asyncAfter(deadline: .now() + .limit(limit)) { [weak self] in self?.giveUp() }
    }

    private func giveUp() {
        guard state.withLock({ $0.opening != nil }) else { return }
        end(
            PostgresError(
                .unreachable, "cannot connect to PostgreSQL at \(endpoint): no answer within the time limit"))
    }

    private func step() {
        enum Next {
            case wait
            case done(Opening?)
            case failed(String)
        }
        let next: Next = state.withLock { state in
            guard !state.isClosing, let step = state.handle?.step() else { return .wait }
            switch step {
            case .waitToRead, .waitToWrite:
                wait(step, &state)
                return .wait
            case .connected:
                listen(&state)
                defer { state.opening = nil }
                return .done(state.opening)
            case .failed: return .failed(state.handle?.message ?? "")
            }
        }
        switch next {
        case .wait: break
        case .done(let opening): opening?.resume(returning: .success(()))
        case .failed(let message): end(SignInFailure.error(message, endpoint))
        }
    }

    /// Goes on when the socket is ready. The source ends first, because libpq may close the socket.
    private func wait(_ step: PostgresHandle.Step, _ state: inout State) {
        guard let socket = state.handle?.socket else { return }
        state.sources += 1
        if case .waitToRead = step {
            let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
            state.reading = source
            source.setEventHandler { self.state.withLock { $0.reading?.cancel() } }
            source.setCancelHandler { self.goOn() }
            source.activate()
        } else {
            let source = DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
            state.writing = source
            source.setEventHandler { self.state.withLock { $0.writing?.cancel() } }
            source.setCancelHandler { self.goOn() }
            source.activate()
        }
    }

    private func goOn() {
        let isClosing = state.withLock { state in
            (state.reading, state.writing) = (nil, nil)
            return state.isClosing
        }
        sourceEnded()
        if !isClosing { step() }
    }
}
