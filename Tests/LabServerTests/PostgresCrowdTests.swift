import Foundation
import LabProcesses
import LabTesting
import PostgresClient
import Testing

@testable import LabServerKit

/// Many buyers, and few connections to the database.
@Suite(
    "A crowd before PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresCrowdTests {
    /// What the pool, the writer of sales and the signs of life may have.
    private static let limit = 8
    private static let buyers = 1000

    /// Counts the server's connections again and again until it is cancelled.
    ///
    /// - Returns: The most at one moment, and how often was looked.
    private static func most(in database: PostgresPool) async throws -> (connections: Int, looks: Int) {
        let question = PostgresStatement(
            "count",
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE application_name = 'lab-server' AND pid <> pg_backend_pid()
            """)
        var (most, looks) = (0, 0)
        while !Task.isCancelled {
            most = max(most, Int(try await database.run(question.with())[0].rows[0].number(0)))
            looks += 1
        }
        return (most, looks)
    }

    /// What so many buyers at once are told, by first lines. Each buys, and then looks at what it bought,
    /// which is read from the ledger.
    private static func buyAndLook(
        _ product: Int, token: String, on connections: [RawConnection]
    ) async throws -> [String: Int] {
        let purchase = RawConnection.purchase(product, token: token)
        let look =
            "GET /api/purchases/me?limit=1 HTTP/1.1\r\nHost: x\r\n"
            + "Authorization: Bearer \(token)\r\n\r\n"
        return try await withThrowingTaskGroup(of: [String].self) { group in
            for connection in connections {
                group.addTask {
                    var lines: [String] = []
                    for request in [purchase, look] {
                        try await connection.send(request)
                        let answer = await connection.read(until: "\"purchased_at\"")
                        lines.append(String(answer.prefix { !$0.isNewline }))
                    }
                    return lines
                }
            }
            var counts: [String: Int] = [:]
            for try await lines in group {
                for line in lines { counts[line, default: 0] += 1 }
            }
            return counts
        }
    }

    @Test("A thousand connections that buy at the same time need no more than eight to PostgreSQL")
    func connections() async throws {
        let allowed = OwnDescriptors.allow(Self.buyers + 1000)
        try #require(allowed >= Self.buyers + 500, "this test needs \(Self.buyers + 500) descriptors")
        try await ManyServersLab.run { lab in
            // A machine that stands still for a moment is no database that is away.
            let server = try await lab.start([
                "--ledger-patience-ms", "60000", "--redis-timeout-ms", "60000",
                "--purchase-deadline-ms", "60000", "--head-timeout-ms", "600000",
            ])
            let buyer = try await server.client.signedIn()
            let product = try await buyer.product(units: Self.buyers)
            var crowd: [RawConnection] = []
            for _ in 0..<Self.buyers { crowd.append(try await RawConnection.open(server.client.port)) }
            try await waitUntil { try ProcessFigures(of: server.process).descriptors >= Self.buyers }
            let database = PostgresPool(
                try PostgresEndpoint(parsing: lab.database.url()), .init(connections: 1))
            let watch = Task { try await Self.most(in: database) }
            let connections = crowd
            let statuses = try await Self.buyAndLook(
                product, token: try #require(buyer.token), on: connections)
            watch.cancel()
            let (most, looks) = try await watch.value
            print("1,000 connections that buy: \(most) to PostgreSQL, looked at \(looks) times")
            #expect(statuses == ["HTTP/1.1 200 OK": 2 * Self.buyers])
            #expect(most > 2 && most <= Self.limit && looks > 10)
            let open = connections.count { $0.isOpen }
            #expect(open == Self.buyers)
            for connection in connections { await connection.close() }
            #expect(try await buyer.stock(product) == 0)
            database.close()
            #expect(await server.process.terminate(grace: .seconds(30)) == .exited(0))
        }
    }
}
