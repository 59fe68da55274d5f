import Dispatch
import Synchronization

/// One connection to PostgreSQL: one group of commands at a time, sent in one go and answered in one go.
///
/// libpq reads and writes when the system says that the socket is ready, on a queue of this connection's own.
/// No thread waits but while libpq connects. Every wait has a limit, and goes on in a cancelled task.
package final class PostgresConnection: Sendable {
    typealias Answer = CheckedContinuation<Result<[PostgresResult], PostgresError>, Never>
    typealias Opening = CheckedContinuation<Result<Void, PostgresError>, Never>

    /// What was sent and is not answered yet.
    struct Exchange {
        var line: ReplyLine
        let deadline: DispatchTime
        let answer: Answer
    }

    struct State: ~Copyable {
        /// Nil: closed.
        var handle: PostgresHandle?
        var opening: Opening?
        var exchange: Exchange?
        var prepared: Set<String> = []
        var reading: (any DispatchSourceRead)?
        var writing: (any DispatchSourceWrite)?
        /// Sources whose end has not been told yet. The socket must stay open for them.
        var sources = 0
        var isClosing = false
        /// When the next timer fires.
        var watched: DispatchTime?
    }

    let endpoint: PostgresEndpoint
    let queue = DispatchQueue(label: "postgres.connection")
    let state = Mutex(State())

    init(_ endpoint: PostgresEndpoint) {
        self.endpoint = endpoint
    }

    /// Connects and signs in: at the first of several hosts that takes writes. A host that does not answer
    /// has its share of the time and no more, so that a machine that is gone does not hide the others.
    ///
    /// - Parameters:
    ///   - first: The host to be tried first.
    ///   - endsWhenCancelled: Whether a task that is cancelled waits no longer.
    package static func open(
        _ endpoint: PostgresEndpoint, within limit: Duration, first: PostgresEndpoint.Host? = nil,
        endsWhenCancelled: Bool = false
    ) async throws(PostgresError) -> PostgresConnection {
        let end = ContinuousClock.now + limit
        var failures: [PostgresError] = []
        let hosts = endpoint.alone(first: first)
        for (number, host) in hosts.enumerated() {
            let share = ContinuousClock.now.duration(to: end) / (hosts.count - number)
            do throws(PostgresError) {
                let connection = PostgresConnection(host)
                try await connection.ending(whenCancelled: endsWhenCancelled) { () throws(PostgresError) in
                    try await connection.open(within: max(share, .zero))
                }
                return connection
            } catch {
                // Whoever is not let in there is not asked elsewhere, as with libpq.
                guard error.code == .unreachable else { throw error }
                failures.append(error)
            }
        }
        guard failures.count > 1, let last = failures.last else {
            throw failures.last ?? PostgresError(.unreachable, "no host of PostgreSQL is named")
        }
        throw PostgresError(
            last.code, failures.map(\.context).joined(separator: "; "), sqlState: last.sqlState)
    }

    func open(within limit: Duration) async throws(PostgresError) {
        let result = await withCheckedContinuation { start($0, within: limit) }
        try result.get()
    }

    package var isUsable: Bool {
        state.withLock { state in !state.isClosing && state.handle?.isAlive == true }
    }

    /// Whether the next caller may have it: it lives, and no transaction was left open.
    var isClean: Bool {
        state.withLock { state in
            !state.isClosing && state.exchange == nil && state.handle?.isAlive == true
                && state.handle?.isIdle == true
        }
    }

    /// Sends commands in one go and returns what each came to.
    ///
    /// Without a `BEGIN` they are one transaction, which ends with them. An error makes the server skip the
    /// commands behind it.
    ///
    /// - Throws: The first error: `.refused`, also for a text with U+0000, and nothing is sent then;
    ///   `.lost`. The connection is closed after `.lost`.
    package func run(
        _ commands: [PostgresCommand], within limit: Duration
    ) async throws(PostgresError) -> [PostgresResult] {
        guard commands.allSatisfy({ $0.values.allSatisfy(\.isWhole) }) else {
            throw PostgresError(
                .refused, "PostgreSQL keeps no text with U+0000", sqlState: .characterNotInRepertoire)
        }
        let result = await withCheckedContinuation { send(commands, .now() + .limit(limit), $0) }
        return try result.get()
    }

    /// The same, but the connection ends when the task is cancelled before the answer is there.
    package func runUnlessCancelled(
        _ commands: [PostgresCommand], within limit: Duration
    ) async throws(PostgresError) -> [PostgresResult] {
        try await ending(whenCancelled: true) { () throws(PostgresError) in
            try await run(commands, within: limit)
        }
    }

    /// Runs `body`. With `isEnding` the connection ends when the task is cancelled meanwhile, and what `body`
    /// waits for with it.
    func ending<Value: Sendable>(
        whenCancelled isEnding: Bool, _ body: () async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        guard isEnding else { return try await body() }
        let result: Result<Value, PostgresError> = await withTaskCancellationHandler {
            do throws(PostgresError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            closeLater()
        }
        return try result.get()
    }

    /// Whether the connection lives, as far as can be seen now: what the server sent and the system has
    /// received is looked at first, so an end that it told is seen. Waits for nothing.
    package func lives() -> Bool {
        let (isAlive, isBusy) = state.withLock { state in
            // Once for its last words, once for the end behind them.
            let isOpen =
                !state.isClosing && state.handle?.consume() == true && state.handle?.consume() == true
            return (isOpen && state.handle?.isAlive == true, state.exchange != nil)
        }
        // What was read may be an answer that somebody waits for.
        if !isAlive || isBusy { queue.async { self.receive() } }
        return isAlive
    }

    /// For callers that must not wait: libpq may be looking for a name.
    func closeLater() { queue.async { self.close() } }

    /// Ends the connection. Who waits for an answer gets an error.
    package func close() {
        end(PostgresError(.closed, "the connection to PostgreSQL was closed"))
    }

    // MARK: - Commands

    private func send(_ commands: [PostgresCommand], _ deadline: DispatchTime, _ answer: Answer) {
        let failure: PostgresError? = state.withLock { state in
            guard !state.isClosing, state.handle != nil else {
                return PostgresError(.lost, "the connection to PostgreSQL has ended")
            }
            precondition(state.exchange == nil, "one group of commands at a time")
            let steps = Self.put(commands, into: &state)
            guard let steps else {
                return PostgresError(.lost, "a command could not be sent: \(state.handle?.message ?? "")")
            }
            state.exchange = Exchange(line: ReplyLine(steps), deadline: deadline, answer: answer)
            return nil
        }
        if let failure {
            end(failure)
            answer.resume(returning: .failure(failure))
            return
        }
        flush()
        watch(until: deadline)
    }

    /// - Returns: Nil when libpq did not accept one.
    private static func put(
        _ commands: [PostgresCommand], into state: inout State
    ) -> [ReplyLine.Step]? {
        var steps: [ReplyLine.Step] = []
        for command in commands {
            if let name = command.statement.name, !state.prepared.contains(name),
                !steps.contains(.prepare(name))
            {
                guard state.handle?.prepare(name, command.statement.sql) == true else { return nil }
                steps.append(.prepare(name))
            }
            guard state.handle?.execute(command) == true else { return nil }
            steps.append(.execute)
        }
        return state.handle?.sync() == true ? steps : nil
    }

    private func flush() {
        let isAlive: Bool = state.withLock { state in
            guard !state.isClosing, let isSent = state.handle?.flush() else { return false }
            if isSent {
                state.writing?.cancel()
                state.writing = nil
            } else if state.writing == nil {
                addWriter(to: &state)
            }
            return true
        }
        if !isAlive { lose() }
    }

    private func receive() {
        var ended: (Answer, Result<[PostgresResult], PostgresError>)?
        let isAlive: Bool = state.withLock { state in
            guard !state.isClosing, state.handle != nil else { return true }
            let isOpen = state.handle?.consume() == true
            while let reply = state.exchange == nil ? nil : state.handle?.reply() {
                guard state.exchange?.line.take(reply) == true else { break }
            }
            if let exchange = state.exchange, let result = exchange.line.result {
                state.prepared.formUnion(exchange.line.prepared)
                state.exchange = nil
                ended = (exchange.answer, result)
            }
            return isOpen && state.handle?.isAlive == true
        }
        if !isAlive { lose() }
        if let (answer, result) = ended {
            if case .failure(let error) = result, error.code == .lost { end(error) }
            answer.resume(returning: result)
        } else if isAlive {
            // What was read may have made room on the other side.
            flush()
        }
    }

    private func lose() {
        let words = state.withLock { state in state.handle?.message ?? "" }
        let reason = words.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
        end(PostgresError(.lost, "the connection to PostgreSQL ended\(reason)"))
    }

    // MARK: - Time

    /// A timer looks when it fires whether something is late. One is enough as long as none is needed
    /// earlier.
    private func watch(until deadline: DispatchTime) {
        let isNeeded = state.withLock { state in
            if let watched = state.watched, watched <= deadline { return false }
            state.watched = deadline
            return true
        }
        if isNeeded { queue.asyncAfter(deadline: deadline) { [weak self] in self?.look(at: deadline) } }
    }

    private func look(at time: DispatchTime) {
        let (next, isLate): (DispatchTime?, Bool) = state.withLock { state in
            if state.watched == time { state.watched = nil }
            guard let deadline = state.exchange?.deadline else { return (nil, false) }
            return deadline <= .now() ? (nil, true) : (deadline, false)
        }
        if isLate { end(PostgresError(.lost, "PostgreSQL did not answer in time")) }
        if let next { watch(until: next) }
    }

    // MARK: - Sources

    /// Begins to listen for what the server sends: answers, and that it ended.
    func listen(_ state: inout State) {
        guard let socket = state.handle?.socket else { return }
        let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        source.setEventHandler { self.receive() }
        source.setCancelHandler { self.sourceEnded() }
        state.sources += 1
        state.reading = source
        source.activate()
    }

    private func addWriter(to state: inout State) {
        guard let socket = state.handle?.socket else { return }
        let source = DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
        source.setEventHandler { self.flush() }
        source.setCancelHandler { self.sourceEnded() }
        state.sources += 1
        state.writing = source
        source.activate()
    }

    func sourceEnded() {
        state.withLock { state in
            state.sources -= 1
            if state.isClosing, state.sources == 0 { state.handle = nil }
        }
    }

    /// Ends everything, once. The socket is closed when no source looks at it any more.
    func end(_ error: PostgresError) {
        let (answer, opening): (Answer?, Opening?) = state.withLock { state in
            guard !state.isClosing else { return (nil, nil) }
            state.isClosing = true
            state.reading?.cancel()
            state.writing?.cancel()
            (state.reading, state.writing) = (nil, nil)
            defer { (state.exchange, state.opening) = (nil, nil) }
            if state.sources == 0 { state.handle = nil }
            return (state.exchange?.answer, state.opening)
        }
        answer?.resume(returning: .failure(error))
        opening?.resume(returning: .failure(error))
    }
}

extension DispatchTimeInterval {
    static func limit(_ duration: Duration) -> DispatchTimeInterval {
        .nanoseconds(Int(min(max(duration / .nanoseconds(1), 0), 1e17)))
    }
}
