package import InventoryService
package import PostgresClient

/// The ledger in a PostgreSQL database, which several servers may share.
///
/// Sales that wait at the same time share one transaction on a connection of their own. Other writes, and
/// reads, have a transaction each on the connections of a pool. Every transaction waits for the disk, and
/// every wait is bounded.
package final class PostgresLedger: Ledger {
    package let endpoint: PostgresEndpoint
    package let origin: String
    /// For everything but sales.
    let pool: PostgresPool
    let sales: SaleWriter<ContinuousClock>
    /// For sales alone, so that readers never keep a sale waiting.
    private let salesPool: PostgresPool
    let servers: PostgresCompany

    package var company: (any ServerCompany)? { servers }

    /// What waits for the writer of sales, and what it did so far.
    package var load: LedgerWriterLoad { sales.load }

    package var connections: PostgresPool.Load { pool.load }

    /// Connects, and brings the schema up to date.
    ///
    /// - Parameters:
    ///   - limits: The number of connections is that of all, one of which is for sales, and one for the signs
    ///     of life of a server.
    ///   - leases: After which time without a sign of life the other servers take over.
    ///   - onCommit: Called behind each transaction of sales, well or badly ended, with the time it took; it
    ///     must be quick.
    /// - Throws: ``InventoryError``: `.databaseUnusable` or `.schemaTooNew`, each with a sentence that says
    ///   what to do.
    package static func open(
        _ endpoint: PostgresEndpoint, settings: LedgerSettings = LedgerSettings(),
        limits: PostgresPool.Settings = PostgresPool.Settings(),
        leases: PostgresCompany.Leases = PostgresCompany.Leases(),
        onCommit: @escaping @Sendable (Duration) -> Void = { _ in }
    ) async throws(InventoryError) -> PostgresLedger {
        let session = LedgerSession(endpoint: endpoint, settings: settings, limits: limits)
        var others = limits
        others.connections = max(limits.connections - 2, 1)
        let pool = PostgresPool(endpoint, others) { connection throws(PostgresError) in
            try await session.prepare(connection)
        }
        do {
            let origin = try await pool.withConnection { connection in
                _ = try await PostgresMigrator(endpoint: endpoint).run(on: connection)
                return try await Self.origin(connection, limits.answer)
            }
            return PostgresLedger(endpoint, origin, pool, session, leases, onCommit)
        } catch {
            pool.close()
            throw Self.startFailure(error, endpoint)
        }
    }

    private init(
        _ endpoint: PostgresEndpoint, _ origin: String, _ pool: PostgresPool, _ session: LedgerSession,
        _ leases: PostgresCompany.Leases, _ onCommit: @escaping @Sendable (Duration) -> Void
    ) {
        self.endpoint = endpoint
        self.origin = origin
        self.pool = pool
        var single = session.limits
        single.connections = 1
        let prepare = { @Sendable (connection: PostgresConnection) async throws(PostgresError) in
            try await session.prepare(connection)
        }
        let salesPool = PostgresPool(endpoint, single, prepare: prepare)
        self.salesPool = salesPool
        servers = PostgresCompany(
            pool: pool, pulse: PostgresPool(endpoint, single, prepare: prepare), leases: leases)
        let transaction = SaleTransaction(
            origin: origin, pool: salesPool, patience: session.settings.patience)
        sales = SaleWriter(
            settings: session.settings, clock: ContinuousClock(), onCommit: onCommit,
            write: { await transaction.record($0) })
    }

    private static func origin(
        _ connection: PostgresConnection, _ limit: Duration
    ) async throws -> String {
        let results = try await connection.run(
            [PostgresStatement(nil, "SELECT origin FROM stock_origin").with()], within: limit)
        return try results.first?.rows.first?.text(0) ?? ""
    }

    package func check() async throws(InventoryError) {
        // New connections are asked for more, and a server does not change that while it runs.
        let results = try await read {
            try await $0.run(
                [PostgresStatement("check", "SELECT pg_is_in_recovery()").with()], within: self.limit)
        }
        let isReplica = try Self.value { try results.first?.rows.first?.flag(0) }
        guard isReplica == false else {
            throw InventoryError(.ledgerUnavailable, "the database of the ledger takes no writes")
        }
    }

    package func close() async {
        await sales.close()
        pool.close()
        salesPool.close()
        servers.close()
    }

    /// How long one group of commands may take.
    var limit: Duration { pool.settings.answer }

    // MARK: - Transactions

    func read<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws(InventoryError) -> Value {
        do {
            return try await pool.withConnection(body)
        } catch {
            throw Self.error(error)
        }
    }

    /// The rows of one statement that changes nothing.
    func rows(_ command: PostgresCommand) async throws(InventoryError) -> [PostgresRow] {
        try await read { try await $0.run([command], within: self.limit).first?.rows ?? [] }
    }

    /// Runs commands that are all there is to a transaction.
    func write(_ commands: PostgresCommand...) async throws(InventoryError) -> [PostgresResult] {
        do {
            return try await pool.withConnection { connection in
                do throws(PostgresError) {
                    return try await connection.run(commands, within: self.limit)
                } catch {
                    // They commit by themselves, so an answer that was lost says nothing.
                    guard error.code == .lost else { throw error }
                    throw PostgresError(.outcomeUnknown, error.context, sqlState: error.sqlState)
                }
            }
        } catch {
            throw Self.error(error)
        }
    }

    /// Runs `body`, which begins a transaction with its first command, and commits. When two servers wait for
    /// each other, the one that PostgreSQL gave up begins again.
    func transaction<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws(InventoryError) -> Value {
        var attemptsLeft = 5
        while true {
            attemptsLeft -= 1
            do {
                return try await pool.withConnection { try await $0.transaction(within: self.limit, body) }
            } catch let error as PostgresError where error.mayBeRepeated && attemptsLeft > 0 {
                continue
            } catch {
                throw Self.error(error)
            }
        }
    }

    /// Reads rows, whose form nothing but a wrong schema can break.
    static func value<Value>(_ body: () throws -> Value) throws(InventoryError) -> Value {
        do {
            return try body()
        } catch {
            throw Self.error(error)
        }
    }
}

extension PostgresConnection {
    /// Runs `body`, which begins a transaction, and commits; when it throws, nothing of it is written.
    func transaction<Value>(
        within limit: Duration, _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let value: Value
        do {
            value = try await body(self)
        } catch {
            await rollBack(within: limit)
            throw error
        }
        try await commit(within: limit)
        return value
    }
}

extension PostgresError {
    /// Nothing was written, and the same may succeed at once.
    var mayBeRepeated: Bool {
        code == .refused && (sqlState == .deadlock || sqlState == .serializationFailure)
    }
}
