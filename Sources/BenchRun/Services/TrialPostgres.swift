import BenchModel
import LabProcesses

/// The PostgreSQL server of one trial, with an empty data folder. It waits for its disk at each commit.
struct TrialPostgres: Sendable {
    private let server: PostgresServerProcess

    static func start(servers: Int) async throws(BenchError) -> TrialPostgres {
        do throws(LabProcessError) {
            // Eight connections a server, and some to look.
            let options = PostgresServerOptions(connections: 8 * servers + 20)
            return TrialPostgres(server: try await PostgresServerProcess.start(options))
        } catch {
            throw BenchError(.unreachable, error.description)
        }
    }

    /// With the password.
    var url: String { server.url() }

    var place: LedgerPlace {
        .postgres(server.url().replacing(":\(server.password)@", with: "@"), password: server.password)
    }

    func stop() async { await server.discard() }
}
