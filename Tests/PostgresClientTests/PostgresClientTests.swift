import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import PostgresClient

/// Against a real server.
@Suite(
    "A client of PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresClientTests {
    private func withPool(
        _ settings: PostgresPool.Settings = .init(), _ body: (PostgresPool) async throws -> Void
    ) async throws {
        let pool = PostgresPool(try await PostgresDatabases.make(), settings)
        try await body(pool)
        pool.close()
    }

    private func sql(_ text: String) -> PostgresCommand { PostgresStatement(nil, text).with() }

    private func error(_ body: () async throws -> Void) async throws -> PostgresError? {
        do {
            try await body()
            return nil
        } catch let error as PostgresError {
            return error
        }
    }

    @Test("hands over texts, numbers, lists and NULL as they are, and gets them back")
    func values() async throws {
        try await withPool { pool in
            let text = "quote ' double \" back \\ brace } comma , é 🦆"
            let statement = PostgresStatement(
                "values",
                "SELECT $1::text, $2::bigint, $3::boolean, ($4::text[])[1], ($4::text[])[2] IS NULL, ($5::bigint[])[2], $6::text"
            )
            for _ in 0..<2 {
                let results = try await pool.run(
                    statement.with(
                        .text(text), .integer(.min), .flag(true), .texts([text, nil]), .integers([1, -2]),
                        .null))
                let row = try #require(results.first?.rows.first)
                #expect(try row.text(0) == text)
                #expect(try row.number(1) == .min)
                #expect(try row.flag(2))
                #expect(try row.text(3) == text)
                #expect(try row.flag(4))
                #expect(try row.number(5) == -2)
                #expect(try row.optional(6) == nil)
            }
        }
    }

    @Test("A host that answers nothing, or takes no writes, does not hide the one behind it")
    func hosts() async throws {
        try await withPostgresServer { primary in
            let replica = try await PostgresServerProcess.start(following: primary)
            let silent = try await PostgresServerProcess.start()
            silent.pause()
            let hosts = [silent, replica, primary].map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
            let url = primary.url().replacing("127.0.0.1:\(primary.port)", with: hosts)
            let endpoint = try PostgresEndpoint(parsing: url)
            let connection = try await PostgresConnection.open(endpoint, within: .seconds(9))
            #expect(connection.endpoint.hosts == [.init("127.0.0.1", primary.port)])
            connection.close()
            await primary.stop()
            let failure = try await error {
                _ = try await PostgresConnection.open(endpoint, within: .seconds(3))
            }
            #expect(failure?.code == .unreachable)
            let sentence = failure?.context ?? ""
            #expect(sentence.contains("no answer within the time limit"), "\(sentence)")
            #expect(sentence.contains(":\(replica.port)/postgres takes no writes"), "\(sentence)")
            #expect(!sentence.contains(primary.password))
            await replica.discard()
            await silent.discard()
        }
    }

    @Test("takes a parameter for a value, whatever it holds, and refuses U+0000")
    func injection() async throws {
        try await withPool { pool in
            let nasty = "'; DROP TABLE t; --"
            _ = try await pool.run(sql("CREATE TABLE t (x text)"))
            _ = try await pool.run(PostgresStatement(nil, "INSERT INTO t VALUES ($1)").with(.text(nasty)))
            let rows = try await pool.run(sql("SELECT x FROM t"))
            #expect(try rows[0].rows.map { try $0.text(0) } == [nasty])
            let refusal = try await error {
                _ = try await pool.run(PostgresStatement(nil, "SELECT $1::text").with(.text("a\0b")))
            }
            #expect(refusal?.code == .refused)
        }
    }

    @Test("names an error by its SQLSTATE, skips what stood behind it, and goes on")
    func refusals() async throws {
        try await withPool(.init(connections: 1)) { pool in
            _ = try await pool.run(sql("CREATE TABLE t (x int PRIMARY KEY)"))
            let twice = try await error {
                _ = try await pool.run(
                    sql("INSERT INTO t VALUES (1)"), sql("INSERT INTO t VALUES (1)"),
                    sql("INSERT INTO t VALUES (2)"))
            }
            #expect(twice?.sqlState == .uniqueViolation)
            // Commands without BEGIN are one transaction.
            #expect(try await pool.run(sql("SELECT count(*) FROM t"))[0].rows[0].number(0) == 0)
            #expect(pool.load.busy == 0 && pool.load.idle == 1)
        }
    }

    @Test("keeps a connection no longer on which a transaction was left open")
    func openTransaction() async throws {
        try await withPool(.init(connections: 1)) { pool in
            _ = try await pool.run(sql("CREATE TABLE t (x int)"))
            _ = try await pool.run(.begin, sql("INSERT INTO t VALUES (1)"))
            #expect(try await pool.run(sql("SELECT count(*) FROM t"))[0].rows[0].number(0) == 0)
        }
    }

    @Test("refuses who waits too long for a connection, and serves the others in their order")
    func bounded() async throws {
        try await withPool(.init(connections: 1, wait: .milliseconds(300))) { pool in
            let gate = Gate()
            async let first: Void = pool.withConnection { _ in await gate.pass() }
            await gate.reached()
            let refusal = try await error { _ = try await pool.run(sql("SELECT 1")) }
            #expect(refusal?.code == .exhausted)
            async let second = pool.run(sql("SELECT 2"))
            gate.open()
            try await first
            #expect(try await second[0].rows[0].number(0) == 2)
        }
    }

    @Test("waits no longer for an answer than it may, and needs a new connection then")
    func slowAnswer() async throws {
        try await withPool(.init(connections: 1, answer: .milliseconds(200))) { pool in
            let late = try await error { _ = try await pool.run(sql("SELECT pg_sleep(20)")) }
            #expect(late?.code == .lost)
            #expect(try await pool.run(sql("SELECT 1"))[0].rows[0].number(0) == 1)
        }
    }

    @Test("keeps a short limit also behind a long one on the same connection")
    func shortLimit() async throws {
        try await withPool(.init(connections: 1)) { pool in
            let late = try await error {
                try await pool.withConnection { connection in
                    _ = try await connection.run([sql("SELECT 1")], within: .seconds(3600))
                    _ = try await connection.run([sql("SELECT pg_sleep(20)")], within: .milliseconds(200))
                }
            }
            #expect(late?.code == .lost)
        }
    }

    @Test("sends more than the system takes at once, and receives as much")
    func large() async throws {
        try await withPool { pool in
            let text = String(repeating: "0123456789abcdef", count: 300_000)
            let results = try await pool.run(PostgresStatement(nil, "SELECT $1::text").with(.text(text)))
            #expect(try results[0].rows[0].text(0) == text)
        }
    }

    @Test("says of a connection that the server broke off that it was lost, and makes a new one")
    func terminated() async throws {
        try await withPool(.init(connections: 2)) { pool in
            let lost = try await error {
                try await pool.withConnection { connection in
                    let own = try await connection.run([sql("SELECT pg_backend_pid()")], within: .seconds(9))
                    _ = try await pool.run(
                        PostgresStatement(nil, "SELECT pg_terminate_backend($1::int)").with(
                            .integer(try own[0].rows[0].number(0))))
                    _ = try await connection.run([sql("SELECT pg_sleep(20)")], within: .seconds(9))
                }
            }
            #expect(lost?.code == .lost)
            #expect(try await pool.run(sql("SELECT 1"))[0].rows[0].number(0) == 1)
        }
    }

    @Test("knows of a commit whose answer did not come only that it is unknown")
    func unknownCommit() async throws {
        try await withPool(.init(connections: 2)) { pool in
            _ = try await pool.run(sql("CREATE TABLE t (x int)"))
            let unknown = try await error {
                try await pool.withConnection { connection in
                    let begun = try await connection.run(
                        [.begin, sql("INSERT INTO t VALUES (1)"), sql("SELECT pg_backend_pid()")],
                        within: .seconds(9))
                    let pid = Int32(try begun[2].rows[0].number(0))
                    // The server's process stands still when the commit reaches it.
                    kill(pid, SIGSTOP)
                    defer { kill(pid, SIGCONT) }
                    try await connection.commit(within: .milliseconds(200))
                }
            }
            #expect(unknown?.code == .outcomeUnknown)
        }
    }

    @Test("says of a commit that the server did not do that it was rolled back")
    func refusedCommit() async throws {
        try await withPool { pool in
            _ = try await pool.run(
                sql("CREATE TABLE t (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"),
                sql("INSERT INTO t VALUES (1)"))
            let refusal = try await error {
                try await pool.withConnection { connection in
                    _ = try await connection.run(
                        [.begin, sql("INSERT INTO t VALUES (1)")], within: .seconds(9))
                    try await connection.commit(within: .seconds(9))
                }
            }
            #expect(refusal?.code == .refused)
            #expect(refusal?.sqlState == .uniqueViolation)
        }
    }

    @Test("names a wrong password, a missing user's and a missing database, and a port where nobody listens")
    func signIn() async throws {
        let good = try await PostgresDatabases.make()
        func failure(_ change: (String) -> String) async throws -> PostgresError? {
            let url = "postgres://lab:\(good.password?.revealed ?? "")@\(good)"
            let pool = PostgresPool(try PostgresEndpoint(parsing: change(url)), .init(connect: .seconds(9)))
            defer { pool.close() }
            return try await error { _ = try await pool.run(sql("SELECT 1")) }
        }
        let password = try await failure { $0.replacing("@", with: "x@") }
        #expect(password?.sqlState == .wrongPassword && password?.code == .refusedSignIn)
        #expect(password?.context.contains("does not accept the password of the user lab") == true)
        let database = try await failure { $0.replacing("/lab_", with: "/missing_") }
        #expect(database?.sqlState == .noSuchDatabase)
        let nobody = try await failure { $0.replacing(":\(good.hosts[0].port)/", with: ":1/") }
        #expect(nobody?.code == .unreachable)
        #expect(nobody?.context.contains("connection refused") == true, "\(nobody?.context ?? "")")
        let encrypted = try await failure { $0 + "?sslmode=require" }
        #expect(encrypted?.code == .unreachable && encrypted?.context.contains("SSL") == true)
    }

    @Test("goes on after the server was killed and started again")
    func restart() async throws {
        try await withPostgresServer(PostgresServerOptions(syncsToDisk: false)) { server in
            let pool = PostgresPool(try PostgresEndpoint(parsing: server.url()), .init(connections: 1))
            _ = try await pool.run(sql("CREATE TABLE t (x int)"), sql("INSERT INTO t VALUES (1)"))
            await server.kill()
            let away = try await error {
                for _ in 0..<50 {
                    _ = try await pool.run(sql("SELECT 1"))
                    await Task.yield()
                }
            }
            #expect(away?.code == .lost || away?.code == .unreachable)
            try await server.restart()
            #expect(try await pool.run(sql("SELECT x FROM t"))[0].rows[0].number(0) == 1)
            pool.close()
        }
    }
}
