import Foundation
import LabProcesses
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
