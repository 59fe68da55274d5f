package import InventoryService
package import LockStrategies
package import PostgresClient
import Synchronization

/// The servers on one PostgreSQL: a row for each, and one for the turn to compare.
package final class PostgresCompany: ServerCompany {
    /// How long others wait for a sign of life.
    package struct Leases: Sendable, Hashable {
        package var server: Duration
        package var turn: Duration

        package init(server: Duration = .seconds(10), turn: Duration = .seconds(10)) {
            self.server = server
            self.turn = turn
        }
    }

    private let pool: PostgresPool
    /// For signs of life alone: they must not wait behind those who read.
    private let pulse: PostgresPool
    private let leases: Leases
    private let number = Mutex<ServerNumber?>(nil)

    package init(pool: PostgresPool, pulse: PostgresPool, leases: Leases) {
        self.pool = pool
        self.pulse = pulse
        self.leases = leases
    }

    package var own: ServerNumber? { number.withLock(\.self) }

    func close() { pulse.close() }

    package func join() async throws(InventoryError) {
        let results = try await ask(
            pulse,
            PostgresStatement(
                nil, "DELETE FROM servers WHERE ends_at < clock_timestamp() - interval '1 day'"
            ).with(),
            PostgresStatement(
                nil, "INSERT INTO servers (ends_at) VALUES (\(Self.end("$1"))) RETURNING id"
            ).with(Self.milliseconds(leases.server)))
        let id = try PostgresLedger.value { try results.last?.rows.first?.number(0) }
        guard let id, let number = UInt32(exactly: id) else {
            throw InventoryError(.databaseUnusable, "the ledger has no number left for a server")
        }
        self.number.withLock { $0 = ServerNumber(number) }
    }

    package func beat() async throws(InventoryError) -> CompanyNews {
        let results = try await ask(
            pulse,
            PostgresStatement(
                "beat",
                """
                INSERT INTO servers (id, ends_at) SELECT $1::bigint, \(Self.end("$2"))
                WHERE $1::bigint IS NOT NULL ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at
                """
            ).with(PostgresValue(own.map { Int64($0.rawValue) }), Self.milliseconds(leases.server)),
            PostgresStatement("user_changes", "SELECT number FROM user_changes").with(),
            PostgresStatement("dead", "SELECT id FROM servers WHERE ends_at <= clock_timestamp()").with())
        return try PostgresLedger.value {
            CompanyNews(
                userChanges: try results[1].rows.first?.number(0) ?? 0, dead: try Self.numbers(results[2]))
        }
    }

    package func leave() async {
        guard let own else { return }
        _ = try? await ask(
            pulse,
            PostgresStatement(nil, "DELETE FROM servers WHERE id = $1::bigint")
                .with(.integer(Int64(own.rawValue))))
    }

    package func living() async throws(InventoryError) -> Set<ServerNumber> {
        let results = try await ask(
            pool,
            PostgresStatement("living", "SELECT id FROM servers WHERE ends_at > clock_timestamp()").with())
        return try PostgresLedger.value { try Self.numbers(results[0]) }
    }

    package func takeTurn() async throws(InventoryError) -> ReconcileTurn? {
        let results = try await ask(
            pool,
            PostgresStatement(
                "take_turn",
                """
                UPDATE reconcile_turn SET fence = fence + 1, holder = $1::bigint, ends_at = \(Self.end("$2"))
                WHERE ends_at <= clock_timestamp() RETURNING fence
                """
            ).with(PostgresValue(own.map { Int64($0.rawValue) }), Self.milliseconds(leases.turn)))
        return try PostgresLedger.value {
            try results[0].rows.first.map { ReconcileTurn(fence: Fence(try $0.number(0))) }
        }
    }

    package func endTurn(_ turn: ReconcileTurn) async {
        // Where it is not answered, the turn ends by its time.
        _ = try? await ask(
            pool,
            PostgresStatement(
                "end_turn", "UPDATE reconcile_turn SET ends_at = clock_timestamp() WHERE fence = $1::bigint"
            ).with(.integer(turn.fence.rawValue)))
    }

    /// The first command of a transaction that may write only in this turn: it goes on for the whole time
    /// again, and its row is locked, so no other turn begins before the transaction has ended.
    func hold(_ turn: ReconcileTurn) -> PostgresCommand {
        PostgresStatement(
            "hold_turn",
            """
            UPDATE reconcile_turn SET ends_at = \(Self.end("$2"))
            WHERE fence = $1::bigint AND ends_at > clock_timestamp()
            """
        ).with(.integer(turn.fence.rawValue), Self.milliseconds(leases.turn))
    }

    static let lostTurn = InventoryError(
        .leaseLost,
        "the turn of this server to compare stock and ledger has ended; nothing was changed, the next "
            + "comparison looks again")

    package func supplyUnderWay(of product: ProductID) async throws(InventoryError) -> [ReservationID] {
        let results = try await ask(
            pool,
            PostgresStatement(
                "supply_under_way",
                "SELECT reservation_id FROM supply_under_way WHERE product_id = $1::bigint"
            ).with(.integer(product.rawValue)))
        return try PostgresLedger.value {
            try results[0].rows.compactMap { ReservationID(stored: try $0.text(0)) }
        }
    }

    package func settleSupply(_ ids: [ReservationID]) async throws(InventoryError) {
        guard !ids.isEmpty else { return }
        _ = try await ask(
            pool,
            PostgresStatement(
                "settle_supply", "DELETE FROM supply_under_way WHERE reservation_id = ANY ($1::text[])"
            ).with(.texts(ids.map(\.description))))
    }

    private func ask(
        _ pool: PostgresPool, _ commands: PostgresCommand...
    ) async throws(InventoryError) -> [PostgresResult] {
        do {
            return try await pool.withConnection { connection in
                try await connection.run(commands, within: pool.settings.answer)
            }
        } catch {
            throw PostgresLedger.error(error)
        }
    }

    private static func numbers(_ result: PostgresResult) throws -> Set<ServerNumber> {
        Set(try result.rows.compactMap { UInt32(exactly: try $0.number(0)).map { ServerNumber($0) } })
    }

    /// So many milliseconds from now, by the clock of the database.
    private static func end(_ milliseconds: String) -> String {
        "clock_timestamp() + \(milliseconds)::bigint * interval '1 millisecond'"
    }

    private static func milliseconds(_ duration: Duration) -> PostgresValue {
        PostgresValue(Int(duration / .milliseconds(1)))
    }
}
