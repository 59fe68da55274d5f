import Foundation
import LabProcesses
import LabTesting
import LedgerPostgres
import Testing

@testable import LabServerKit

@Suite struct PostgresDiagnosisTests {
    /// All is well.
    private var healthy: DoctorFacts {
        var ledger = PostgresInspection()
        ledger.version = "15.20"
        ledger.encoding = "UTF8"
        ledger.synchronousCommit = "on"
        ledger.connectionLimit = 97
        ledger.connections = 8
        ledger.clockLead = .milliseconds(3)
        ledger.standing = .current
        var facts = DoctorFacts()
        facts.databasePath = "db:5432/lab"
        facts.postgres = ledger
        facts.servers = []
        return facts
    }

    @Test("Where all is well there is a line for each check, and no complaint")
    func allWell() {
        let findings = Diagnosis(healthy).findings
        #expect(
            findings.map(\.check) == ["settings", "database", "schema", "durability", "connections", "disk"])
        #expect(findings.allSatisfy { $0.verdict == .ok }, "\(findings)")
        #expect(findings[1].text == "db:5432/lab: PostgreSQL 15.20; it was only read")
    }

    @Test("Each thing that can be wrong is one complaint, with a problem where sales are not safe")
    func eachComplaint() {
        func expect(
            _ check: String, _ verdict: Finding.Verdict, _ part: String,
            _ change: (inout PostgresInspection) -> Void
        ) {
            var facts = healthy
            var ledger = facts.postgres ?? PostgresInspection()
            change(&ledger)
            facts.postgres = ledger
            let found = Diagnosis(facts).findings.filter { $0.verdict != .ok }
            #expect(found.map(\.check) == [check] && found.first?.verdict == verdict, "\(found)")
            #expect(found.first?.text.contains(part) == true, "\(found)")
        }
        expect("database", .problem, "no database lab") {
            $0 = PostgresInspection()
            $0.failure = "PostgreSQL at db:5432/lab has no database lab"
        }
        expect("database", .problem, "read-only replica") { $0.isReadOnly = true }
        expect("database", .problem, "LATIN1") { $0.encoding = "LATIN1" }
        expect("schema", .problem, "newer") { $0.standing = .newer }
        expect("schema", .problem, "\"2 tables\" ran with another text") {
            $0.standing = .altered(step: "2 tables")
        }
        expect("schema", .problem, "half a ledger") { $0.isUnfinished = true }
        expect("schema", .warning, "holds public.mine and no ledger") {
            $0.standing = .empty
            $0.stranger = "public.mine"
        }
        expect("references", .problem, "2 rows") { $0.danglingRows = 2 }
        expect("books", .problem, "product 1: 3 units sold of 2") {
            $0.contradictions = ["product 1: 3 units sold of 2"]
        }
        expect("durability", .problem, "loses purchases that were acknowledged") { $0.fsync = false }
        expect("durability", .warning, "full_page_writes") { $0.fullPageWrites = false }
        expect("durability", .warning, "synchronous_commit is off") { $0.synchronousCommit = "off" }
        expect("durability", .warning, "pg_checksums") { $0.hasChecksums = false }
        expect("connections", .warning, "7 of 97 connections are free") { $0.connections = 90 }
        expect("clock", .warning, "-40 s ahead") { $0.clockLead = .seconds(-40) }
        expect("backup", .warning, "no program pg_dump") { $0.dumpProblem = "there is no program pg_dump" }
    }

    @Test(
        "doctor looks at a database of PostgreSQL and at its server's settings, and changes nothing",
        .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
    func program() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-doctor")
        let redisOptions = RedisServerOptions(listener: .unixSocket, persistence: .aofEverySecond)
        try await withRedisServer(redisOptions) { redis async throws in
            func doctor(
                _ server: PostgresServerProcess, _ name: String = "postgres"
            ) async throws -> (status: LabProcesses.ExitStatus?, lines: [String]) {
                var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
                environment["LAB_JWT_SECRET"] = "c8f1a0e4b7d29356f0a1c3e5d7b9082461"
                let child = try await ChildProcess.start(
                    try BuiltProgram.path("lab-server"),
                    ["doctor", "--redis", redis.url, "--database", server.url(name)], environment: environment
                )
                let status = await child.waitUntilExit(within: .seconds(60))
                #expect(!child.lines().contains { $0.contains(server.password) })
                return (status, child.lines(of: .standardOutput))
            }
            try await withPostgresServer { server in
                let (before, empty) = try await doctor(server)
                #expect(before == .exited(0), "\(empty)")
                #expect(
                    empty.contains("ok       schema: the database is empty; the first start makes the ledger")
                )
                #expect(empty.contains { $0.hasPrefix("warning  durability: the server keeps no checksums") })
                #expect(
                    empty.contains { $0.hasPrefix("ok       connections: 57 of 57 connections are free") },
                    "\(empty)")
                let migrated = try await ChildProcess.start(
                    try BuiltProgram.path("lab-server"), ["migrate", "--database", server.url()])
                #expect(await migrated.waitUntilExit(within: .seconds(60)) == .exited(0))
                let (after, made) = try await doctor(server)
                #expect(after == .exited(0) && made.contains("ok       schema: up to date"), "\(made)")
                let (missing, nothing) = try await doctor(server, "missing")
                #expect(missing == .exited(1), "\(nothing)")
                #expect(
                    nothing.contains {
                        $0.hasPrefix("problem  database: ") && $0.contains("no database missing")
                    })
            }
            let careless = PostgresServerOptions(
                syncsToDisk: false, settings: ["synchronous_commit=off", "default_transaction_read_only=on"])
            try await withPostgresServer(careless) { server in
                let (status, lines) = try await doctor(server)
                #expect(status == .exited(1), "\(lines)")
                for start in [
                    "problem  database: 127.0.0.1:\(server.port)/postgres takes no writes",
                    "problem  durability: fsync is off", "warning  durability: full_page_writes is off",
                    "warning  durability: synchronous_commit is off",
                ] { #expect(lines.contains { $0.hasPrefix(start) }, "\(start) is not in \(lines)") }
            }
        }
        directory.remove()
    }
}
