import Dispatch
import Synchronization

/// At most so many connections to one database, made when they are needed and used again.
///
/// Who finds none free waits in line, no longer than the limit. A connection that ended is not used again;
/// the next caller makes a new one, so a server that comes back is found by the next question.
package final class PostgresPool: Sendable {
    package struct Settings: Sendable, Hashable {
        package var connections: Int
        /// How long a connection may take to be made.
        package var connect: Duration
        /// How long a caller waits for a free one.
        package var wait: Duration
        /// How long one group of commands may take.
        package var answer: Duration
        /// How long a transaction may stand still between two groups of commands: its locks keep others
        /// waiting. The pool leaves it to who prepares its connections.
        package var standstill: Duration

        package init(
            connections: Int = 8, connect: Duration = .seconds(2), wait: Duration = .seconds(2),
            answer: Duration = .seconds(10), standstill: Duration = .seconds(2)
        ) {
            self.standstill = standstill
            self.connections = connections
            self.connect = connect
            self.wait = wait
            self.answer = answer
        }
    }

    /// What the pool does now: one cheap look, for metrics.
    package struct Load: Sendable, Hashable {
        package var busy = 0
        package var idle = 0
        package var waiting = 0
    }

    package typealias Preparation = @Sendable (PostgresConnection) async throws(PostgresError) -> Void
    private typealias Turn = PoolLine<PostgresConnection, Waiter>.Turn
    fileprivate typealias Waiter = CheckedContinuation<Result<Lent, PostgresError>, Never>

    fileprivate enum Lent: Sendable {
        case connection(PostgresConnection)
        case open
    }

    package let endpoint: PostgresEndpoint
    package let settings: Settings
    private let prepare: Preparation
    private let line: Mutex<PoolLine<PostgresConnection, Waiter>>
    /// Of several hosts the one that took the newest connection: it is asked first.
    private let newest = Mutex<PostgresEndpoint.Host?>(nil)

    /// - Parameter prepare: Run on each new connection before it is used.
    package init(
        _ endpoint: PostgresEndpoint, _ settings: Settings = Settings(),
        prepare: @escaping Preparation = { _ throws(PostgresError) in }
    ) {
        self.endpoint = endpoint
        self.settings = settings
        self.prepare = prepare
        line = Mutex(PoolLine(capacity: settings.connections, isUsable: { $0.isUsable }))
    }

    package var load: Load {
        line.withLock { Load(busy: $0.taken, idle: $0.idleCount, waiting: $0.waiting) }
    }

    /// Lends a connection to `body`. One on which a transaction was left open, or that ended, is closed.
    ///
    /// - Throws: `.unreachable`, `.refusedSignIn`, `.exhausted` or `.closed` before `body`; else what `body`
    ///   throws.
    package func withConnection<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await take(within: settings.wait, endsWhenCancelled: false)
        do {
            let value = try await body(connection)
            giveBack(connection)
            return value
        } catch {
            giveBack(connection)
            throw error
        }
    }

    /// Lends a connection for as long as its holder wants it. A task that is cancelled does not wait any
    /// longer.
    ///
    /// - Parameter limit: How long to wait for a free one.
    /// - Throws: As ``withConnection(_:)`` before its body. In a cancelled task any of these may mean that.
    package func lend(within limit: Duration) async throws(PostgresError) -> PostgresConnection {
        try await take(within: limit, endsWhenCancelled: true)
    }

    /// Takes back what was lent. A connection that is not as clean as a new one is closed.
    package func takeBack(_ connection: PostgresConnection) { giveBack(connection) }

    /// Runs commands as one transaction of their own.
    package func run(_ commands: PostgresCommand...) async throws -> [PostgresResult] {
        try await withConnection { try await $0.run(commands, within: settings.answer) }
    }

    /// Closes what is free; what is lent is closed when it is given back.
    package func close() {
        let (connections, waiters) = line.withLock { $0.close() }
        for connection in connections { connection.close() }
        for waiter in waiters { waiter.resume(returning: .failure(Self.closed)) }
    }

    private static let closed = PostgresError(.closed, "the connections to PostgreSQL are closed")

    private func take(
        within limit: Duration, endsWhenCancelled: Bool
    ) async throws(PostgresError) -> PostgresConnection {
        let ticket = Ticket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let answer = line.withLock { line in line.take { waiter } }
                switch answer {
                case .turn(let turn): waiter.resume(returning: .success(Self.lent(turn)))
                case .closed: waiter.resume(returning: .failure(Self.closed))
                case .wait(let id):
                    expire(id, after: limit)
                    if ticket.isTorn(number: id) { leave(id) }
                }
            }
        } onCancel: {
            if endsWhenCancelled, let id = ticket.tear() { leave(id) }
        }
        switch try result.get() {
        case .connection(let connection): return connection
        case .open: return try await open(endsWhenCancelled: endsWhenCancelled)
        }
    }

    /// The place of a caller in the line, which he may give up before he has it.
    private final class Ticket: Sendable {
        private let state = Mutex<(number: Int?, isTorn: Bool)>((nil, false))

        func isTorn(number: Int) -> Bool {
            state.withLock { state in
                state.number = number
                return state.isTorn
            }
        }

        func tear() -> Int? {
            state.withLock { state in
                state.isTorn = true
                return state.number
            }
        }
    }

    private func open(endsWhenCancelled: Bool) async throws(PostgresError) -> PostgresConnection {
        do throws(PostgresError) {
            let connection = try await PostgresConnection.open(
                endpoint, within: settings.connect, first: newest.withLock(\.self),
                endsWhenCancelled: endsWhenCancelled)
            do throws(PostgresError) {
                try await connection.ending(whenCancelled: endsWhenCancelled) { () throws(PostgresError) in
                    try await prepare(connection)
                }
            } catch {
                connection.close()
                throw error
            }
            newest.withLock { $0 = connection.endpoint.hosts.first }
            return connection
        } catch {
            serve(line.withLock { $0.giveBack(nil) })
            throw error
        }
    }

    private func giveBack(_ connection: PostgresConnection) {
        let isClean = connection.isClean
        if !isClean { connection.close() }
        let (next, isClosed) = line.withLock { line in
            (line.giveBack(isClean ? connection : nil), line.isClosed)
        }
        if isClosed { connection.close() }
        serve(next)
    }

    private func serve(_ next: (Waiter, Turn)?) {
        guard let (waiter, turn) = next else { return }
        waiter.resume(returning: .success(Self.lent(turn)))
    }

    private static func lent(_ turn: Turn) -> Lent {
        switch turn {
        case .use(let connection): .connection(connection)
        case .open: .open
        }
    }

    private func expire(_ id: Int, after limit: Duration) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .limit(limit)) { [weak self] in self?.leave(id) }
    }

    private func leave(_ id: Int) {
        guard let waiter = line.withLock({ $0.leave(id) }) else { return }
        waiter.resume(
            returning: .failure(
                PostgresError(.exhausted, "no connection to PostgreSQL became free in time")))
    }
}
