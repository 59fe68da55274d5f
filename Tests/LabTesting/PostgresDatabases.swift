import Foundation
import LabProcesses
package import LockStrategies
package import PostgresClient
import Synchronization

/// Empty databases on one PostgreSQL server. It is started when a test asks for the first, and ends with the
/// process of the tests.
package enum PostgresDatabases {
    /// False where no PostgreSQL is installed: then tests that need it are skipped, and say so.
    package static let canBeMade = PostgresServerProcess.programs() != nil

    package static let absence = "no PostgreSQL server is installed here (apt-get install postgresql)"

    private static let server = Task {
        // What a power cut would leave is not looked at here.
        let server = try await PostgresServerProcess.start(PostgresServerOptions(syncsToDisk: false))
        running.withLock { $0 = server }
        atexit {
            let server = PostgresDatabases.running.withLock { $0 }
            if let server { PostgresDatabases.remove(server) }
        }
        return server
    }

    private static let running = Mutex<PostgresServerProcess?>(nil)
    private static let lastNumber = Mutex(0)

    /// With the password, for another process.
    package static func url(of database: PostgresEndpoint) async throws -> String {
        try await server.value.url(database.database)
    }

    /// The sessions that hold an advisory lock or wait for it, by their process numbers, as `pg_locks` shows
    /// them. It computes the number of a product's lock by itself.
    package static func sessions(
        holding key: LockKey, in database: PostgresEndpoint
    ) async throws -> [String] {
        guard let product = ProductKeys.product(of: key) else { throw NoProductLock(key: key) }
        let pool = PostgresPool(database, .init(connections: 1))
        defer { pool.close() }
        let look = PostgresStatement(
            nil,
            """
            SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::bigint << 32 | objid::bigint) = $1::bigint
            """)
        let number = Int64(0x4C4B) << 48 | product.rawValue
        return try await pool.run(look.with(.integer(number)))[0].rows.map { try $0.text(0) }
    }

    private struct NoProductLock: Error { let key: LockKey }

    /// Makes an empty database.
    package static func make() async throws -> PostgresEndpoint {
        let server = try await server.value
        let number = lastNumber.withLock { number in
            number += 1
            return number
        }
        let pool = PostgresPool(try PostgresEndpoint(parsing: server.url()), .init(connections: 1))
        _ = try await pool.run(PostgresStatement(nil, "CREATE DATABASE lab_\(number)").with())
        pool.close()
        return try PostgresEndpoint(parsing: server.url("lab_\(number)"))
    }

    /// At the end of the process, where nothing can be waited for.
    private static func remove(_ server: PostgresServerProcess) {
        kill(server.processIdentifier, SIGKILL)
        try? FileManager.default.removeItem(atPath: server.directory)
    }
}
