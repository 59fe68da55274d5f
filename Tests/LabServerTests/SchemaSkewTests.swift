import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import PostgresClient
import Testing

@testable import LabServerKit

/// Servers of two versions on one database, while one is replaced after the other.
@Suite(
    "A step of the schema during a rolling upgrade", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct SchemaSkewTests {
    @Test("A server that runs goes on when a newer version added columns; one that starts is refused")
    func addedColumns() async throws {
        try await ManyServersLab.run { lab in
            let server = try await lab.start()
            let buyer = try await server.client.signedIn()
            let product = try await buyer.product(units: 10)
            for _ in 0..<3 { #expect(try await buyer.buy(product).status == 200) }

            // What the first server of a newer version does at its start.
            let database = PostgresPool(
                try PostgresEndpoint(parsing: lab.database.url()), .init(connections: 1))
            let tables = ["users", "products", "stock_movements", "purchases"]
            for table in tables {
                let change = "ALTER TABLE \(table) ADD COLUMN of_tomorrow TEXT NOT NULL DEFAULT 'x'"
                _ = try await database.run(PostgresStatement(nil, change).with())
            }
            let note = "INSERT INTO schema_steps VALUES ('7 tomorrow', repeat('0', 64))"
            _ = try await database.run(PostgresStatement(nil, note).with())
            database.close()

            for _ in 0..<3 { #expect(try await buyer.buy(product).status == 200) }
            let second = try await server.client.signedIn("bob")
            #expect(try await second.buy(product).status == 200)
            let other = try await second.product(units: 5)
            #expect(try await buyer.buy(other).status == 200)
            #expect(try await buyer.send(.get, "/api/purchases/me").list.count == 7)
            #expect(try await buyer.stock(product) == 3)

            let late = try await lab.command([
                "serve", "--dev", "--port", "0", "--redis", lab.redis[0].url,
            ])
            #expect(late.status == .exited(73), "\(late)")
            #expect(late.text.contains("was written by a newer version of lab-server"), "\(late)")
            #expect(await server.process.terminate(grace: .seconds(30)) == .exited(0))
        }
    }
}
