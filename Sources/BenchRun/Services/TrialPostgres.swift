package import BenchModel
package import LabProcesses
import PostgresClient

/// The PostgreSQL server of one trial, with an empty data folder. It waits for its disk at each commit.
package struct TrialPostgres: Sendable {
    package let server: PostgresServerProcess

    package static func start(servers: Int) async throws(BenchError) -> TrialPostgres {
        do throws(LabProcessError) {
            // Eight connections a server for the ledger, eight for locks, and some to look.
            let options = PostgresServerOptions(connections: 16 * servers + 20)
            return TrialPostgres(server: try await PostgresServerProcess.start(options))
        } catch {
            throw BenchError(.unreachable, error.description)
        }
    }

    /// With the password.
    package var url: String { server.url() }

    /// - Parameter port: Of something that stands before it on this machine.
    package func place(port: Int? = nil) -> LedgerPlace {
        let url = server.url().replacing(":\(server.password)@", with: "@")
        return .postgres(
            url.replacing(":\(server.port)/", with: ":\(port ?? server.port)/"), password: server.password)
    }

    func endpoint() throws(BenchError) -> PostgresEndpoint {
        do throws(PostgresURLError) {
            return try PostgresEndpoint(parsing: url)
        } catch {
            throw BenchError(.unreachable, error.description)
        }
    }

    package func stop() async { await server.discard() }
}
