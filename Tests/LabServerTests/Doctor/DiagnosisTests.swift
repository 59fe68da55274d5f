import InventoryService
import LedgerSQLite
import Testing

@testable import LabServerKit

@Suite struct DiagnosisTests {
    /// All is well.
    private var healthy: DoctorFacts {
        var ledger = LedgerInspection()
        ledger.sqliteVersion = "3.51.3"
        ledger.exists = true
        ledger.journalMode = "wal"
        ledger.integrity = "ok"
        ledger.danglingRows = 0
        ledger.schema = .current
        var facts = DoctorFacts()
        facts.databasePath = "l.sqlite"
        facts.ledger = ledger
        facts.openFileLimit = 65_536
        facts.freeBytes = 50 << 30
        facts.servers = [server(.stock, "aof_enabled:1\nmaxmemory_policy:noeviction\nrole:master")]
        return facts
    }

    private func server(
        _ use: DoctorFacts.Server.Use, _ info: String, name: String = "redis://h:1"
    ) -> DoctorFacts.Server {
        var server = DoctorFacts.Server(name: name, use: use)
        server.facts = RedisFacts(info: info)
        server.clockLead = .milliseconds(3)
        return server
    }

    /// What is not ok.
    private func complaints(_ change: (inout DoctorFacts) -> Void) -> [Finding] {
        var facts = healthy
        change(&facts)
        return Diagnosis(facts).findings.filter { $0.verdict != .ok }
    }

    @Test("Where all is well there is a line for each check and no complaint")
    func allWell() {
        let complaints = complaints { _ in }
        #expect(complaints.isEmpty)
        let checks = Diagnosis(healthy).findings.map(\.check)
        #expect(
            checks == [
                "settings", "sqlite", "database", "integrity", "schema", "log", "redis redis://h:1",
                "open files",
                "disk",
            ])
        #expect(!Diagnosis(healthy).hasProblem)
    }

    @Test(
        "The versions of SQLite with the WAL-reset race are named, and no other",
        arguments: [
            ("3.6.23", false), ("3.7.0", true), ("3.40.1", true), ("3.44.5", true), ("3.44.6", false),
            ("3.44.9", false), ("3.45.0", true), ("3.50.6", true), ("3.50.7", false), ("3.51.0", true),
            ("3.51.2", true), ("3.51.3", false), ("3.52.0", false), ("4.0.0", false),
        ])
    func resetRace(version: String, isAffected: Bool) {
        #expect(SQLiteVersion(version)?.hasWALResetRace == isAffected)
        let found = complaints { $0.ledger?.sqliteVersion = version }
        #expect(found.map(\.check) == (isAffected ? ["sqlite"] : []))
        #expect(found.allSatisfy { $0.verdict == .warning })
    }

    @Test("Each thing that can be wrong is one complaint, with a problem where sales are not safe")
    func eachComplaint() {
        func expect(
            _ check: String, _ verdict: Finding.Verdict, _ part: String,
            _ change: (inout DoctorFacts) -> Void
        ) {
            let found = complaints(change)
            #expect(found.map(\.check) == [check], "\(found)")
            #expect(found.first?.verdict == verdict, "\(found)")
            #expect(found.first?.text.contains(part) == true, "\(found)")
        }
        expect("settings", .problem, "no secret") { $0.settingsProblem = "no secret" }
        expect("database", .problem, "cannot read") { $0.ledger?.failure = "no permission" }
        expect("integrity", .problem, "row 7") { $0.ledger?.integrity = "row 7 missing" }
        expect("references", .problem, "2 rows") { $0.ledger?.danglingRows = 2 }
        expect("schema", .problem, "newer") { $0.ledger?.schema = .newer }
        expect("schema", .problem, "\"2 tables\" ran with another text") {
            $0.ledger?.schema = .altered(step: "2 tables")
        }
        expect("books", .problem, "product 1: 3 units sold of 2") {
            $0.ledger?.contradictions = ["product 1: 3 units sold of 2"]
        }
        expect("schema", .warning, "right --database") { $0.ledger?.schema = LedgerInspection.Schema.none }
        expect("moved", .problem, "to db:5432/lab at noon") { $0.ledger?.movedTo = "db:5432/lab at noon" }
        expect("journal", .warning, "delete") { $0.ledger?.journalMode = "delete" }
        expect("log", .problem, "frame 3") { $0.ledger?.logDamage = "damaged after frame 3" }
        expect("log", .warning, "100 MB") { $0.ledger?.logBytes = 100 << 20 }
        expect("open files", .warning, "256") { $0.openFileLimit = 256 }
        expect("disk", .warning, "500 MB") { $0.freeBytes = 500 << 20 }
        expect("disk", .problem, "5 MB") { $0.freeBytes = 5 << 20 }
        expect("redis", .problem, "no program") {
            $0.servers = nil
            $0.hasRedisServerProgram = false
        }
        let redis = "redis redis://h:1"
        expect(redis, .problem, "cannot be asked: refused") {
            $0.servers = [.init(name: "redis://h:1", use: .stock, failure: "refused")]
        }
        expect(redis, .warning, "clock is -40 s") { $0.servers?[0].clockLead = .seconds(-40) }
        for (info, verdict, part) in [
            ("maxmemory:1\nmaxmemory_policy:volatile-lru", Finding.Verdict.problem, "throw locks away"),
            ("maxmemory:1\nmaxmemory_policy:allkeys-lru", .problem, "throw stock and locks away"),
            ("maxmemory:0\nmaxmemory_policy:allkeys-lru", .warning, "would evict"),
            ("role:slave", .problem, "is a replica"), ("aof_enabled:0", .warning, "append-only"),
            ("connected_slaves:1", .warning, "min-replicas-to-write"),
        ] {
            expect(redis, verdict, part) { $0.servers = [server(.stock, info)] }
        }
        expect("sqlite", .warning, "not known") { $0.ledger?.sqliteVersion = "?" }
    }

    @Test("Lock nodes are counted: a majority must answer, and no server twice")
    func lockNodes() {
        func nodes(_ infos: [String?]) -> [Finding] {
            complaints { facts in
                for (index, info) in infos.enumerated() {
                    let name = "redis://n\(index)"
                    facts.servers?.append(
                        info.map { server(.lockNode, $0, name: name) }
                            ?? .init(name: name, use: .lockNode, failure: "away"))
                }
            }
        }
        #expect(nodes(["run_id:a", "run_id:b", "run_id:c"]).isEmpty)
        let same = nodes(["run_id:a", "run_id:b", "run_id:a"])
        #expect(same.map(\.verdict) == [.problem])
        #expect(same.first?.text.contains("redis://n0") == true)
        #expect(nodes(["run_id:a", "run_id:b", nil]).map(\.verdict) == [.warning])
        #expect(nodes(["run_id:a", nil, nil]).map(\.verdict) == [.warning, .warning, .problem])
        #expect(nodes(["run_id:a", "run_id:b"]).map(\.check) == ["quorum"])
    }

    @Test("A database that is not there yet, of an older schema, or in use, is no complaint")
    func noComplaint() {
        let missing = complaints { facts in
            var ledger = LedgerInspection()
            ledger.sqliteVersion = "3.51.3"
            facts.ledger = ledger
        }
        let older = complaints { $0.ledger?.schema = .older }
        let served = complaints { $0.ledger?.isServed = true }
        #expect(missing + older + served == [])
    }
}
