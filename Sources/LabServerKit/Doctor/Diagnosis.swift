import InventoryService
import LedgerSQLite

/// What the facts mean: one finding for each thing that was looked at, in a fixed order.
struct Diagnosis: Sendable {
    private(set) var findings: [Finding] = []

    var hasProblem: Bool { findings.contains { $0.verdict == .problem } }

    init(_ facts: DoctorFacts) {
        add(
            "settings", facts.settingsProblem == nil ? .ok : .problem,
            facts.settingsProblem ?? "the flags and the token secret can be used")
        if let ledger = facts.ledger { look(at: ledger, facts.databasePath ?? "") }
        if let ledger = facts.postgres { look(at: ledger, facts.databasePath ?? "") }
        if let servers = facts.servers {
            look(at: servers)
        } else if facts.settingsProblem == nil || facts.ledger != nil || facts.postgres != nil {
            add(
                "redis", facts.hasRedisServerProgram ? .ok : .problem,
                facts.hasRedisServerProgram
                    ? "the server starts a redis-server of its own"
                    : "there is no program redis-server to start; install it, or give --redis")
        }
        lookAtHost(facts)
    }

    mutating func add(_ check: String, _ verdict: Finding.Verdict, _ text: String) {
        findings.append(Finding(check, verdict, text))
    }

    // MARK: - The database

    private mutating func look(at ledger: LedgerInspection, _ path: String) {
        lookAtSQLite(ledger.sqliteVersion)
        if let failure = ledger.failure {
            add("database", .problem, "cannot read \(path): \(failure)")
        } else if !ledger.exists {
            add("database", .ok, "\(path) is not there yet; the first start makes it")
        } else {
            let use =
                ledger.isServed ? "a running server uses it; it was only read" : "no server uses it"
            add("database", .ok, "\(path): \(use)")
        }
        if let integrity = ledger.integrity {
            add(
                "integrity", integrity == "ok" ? .ok : .problem,
                integrity == "ok"
                    ? "every page can be read" : "the file is damaged (\(integrity)); restore a backup")
        }
        if let rows = ledger.danglingRows, rows > 0 {
            add(
                "references", .problem,
                "\(rows) rows refer to something that is not there: the file was changed from outside; "
                    + "restore a backup")
        }
        if !ledger.contradictions.isEmpty {
            add(
                "books", .problem,
                "\(ledger.contradictions.joined(separator: "; ")): the file was changed from outside; restore a backup"
            )
        }
        if let schema = ledger.schema { look(at: schema) }
        if let place = ledger.movedTo {
            add("moved", .problem, "the ledger was moved to PostgreSQL, to \(place); give that as --database")
        }
        if let mode = ledger.journalMode, mode != "wal" {
            add("journal", .warning, "journal_mode is \(mode); the next start sets wal")
        }
        lookAtLog(ledger)
    }

    private mutating func lookAtSQLite(_ text: String) {
        guard let version = SQLiteVersion(text) else {
            add("sqlite", .warning, "the version \"\(text)\" is not known")
            return
        }
        guard version.hasWALResetRace else {
            add("sqlite", .ok, "version \(text)")
            return
        }
        add(
            "sqlite", .warning,
            "version \(text) can lose commits when two programs write one file (fixed in 3.51.3, 3.50.7 and "
                + "3.44.6): the server keeps other servers away, so let no other program write beside it")
    }

    private mutating func look(at schema: LedgerInspection.Schema) {
        switch schema {
        case .current: add("schema", .ok, "up to date")
        case .older: add("schema", .ok, "of an older version; the next start brings it up to date")
        case .newer:
            add(
                "schema", .problem,
                "of a newer version of lab-server; start that version, or choose another --database")
        case .altered(let step):
            add(
                "schema", .problem,
                "its step \"\(step)\" ran with another text than this program has; start the version that made "
                    + "it, or restore a backup")
        case .none:
            add("schema", .warning, "the file holds no ledger; is this the right --database?")
        }
    }

    private mutating func lookAtLog(_ ledger: LedgerInspection) {
        let megabytes = ledger.logBytes >> 20
        if let damage = ledger.logDamage {
            add("log", .problem, damage)
        } else if megabytes > 64 {
            add(
                "log", .warning,
                "it has \(megabytes) MB and should stay below 64: a program that reads for long keeps it from "
                    + "being emptied")
        } else if ledger.exists {
            add("log", .ok, "\(ledger.logBytes >> 10) KB")
        }
    }

    // MARK: - Redis

    private mutating func look(at servers: [DoctorFacts.Server]) {
        var names: [String: String] = [:]
        for server in servers {
            let check = server.use == .stock ? "redis \(server.name)" : "lock node \(server.name)"
            guard let facts = server.facts else {
                let verdict = server.use == .stock ? Finding.Verdict.problem : .warning
                add(check, verdict, "cannot be asked: \(server.failure ?? "no answer")")
                continue
            }
            var isFine = true
            func note(_ verdict: Finding.Verdict, _ text: String) {
                isFine = false
                add(check, verdict, text)
            }
            for finding in Self.judge(facts, server) { note(finding.verdict, finding.text) }
            if server.use == .lockNode, let id = facts.runID {
                if let other = names.updateValue(server.name, forKey: id) {
                    note(.problem, "is the same server as \(other), so it would vote twice")
                }
            }
            if isFine { note(.ok, "version \(facts.version ?? "unknown")") }
        }
        lookAtQuorum(servers.filter { $0.use == .lockNode })
    }

    private mutating func lookAtQuorum(_ nodes: [DoctorFacts.Server]) {
        guard !nodes.isEmpty else { return }
        let reachable = nodes.filter { $0.facts != nil }.count
        let count = "\(reachable) of \(nodes.count) answer"
        if reachable <= nodes.count / 2 {
            add("quorum", .problem, "\(count): no lock can be had; start more of them")
        } else if nodes.count < 3 || nodes.count.isMultiple(of: 2) {
            add("quorum", .warning, "\(count): take an odd number, three at least")
        } else {
            add("quorum", .ok, count)
        }
    }

    private static func judge(_ facts: RedisFacts, _ server: DoctorFacts.Server) -> [Finding] {
        var found: [Finding] = []
        func note(_ verdict: Finding.Verdict, _ text: String) {
            found.append(Finding(server.name, verdict, text))
        }
        if let problem = facts.evictionProblem {
            note(.problem, problem)
        } else if facts.hasEvictingPolicy {
            note(
                .warning,
                "maxmemory-policy \(facts.evictionPolicy ?? "") would evict if maxmemory were set; set it to "
                    + "noeviction")
        }
        if facts.role == "slave" {
            note(.problem, "is a replica and takes no writes; give the master, or redis+sentinel://")
        }
        if server.use == .stock, facts.isAppendOnly == false {
            note(
                .warning, "keeps no append-only file: a restart of it loses the stock; set appendonly to yes")
        }
        if let replicas = facts.replicas, replicas > 0, !facts.asksForReplicas {
            note(
                .warning,
                "has \(replicas) replicas and writes without them too, so a failover loses what they have not "
                    + "got; set min-replicas-to-write and min-replicas-max-lag to 1")
        }
        if let lead = server.clockLead, lead < .seconds(-2) || lead > .seconds(2) {
            note(
                .warning,
                "its clock is \(lead.components.seconds) s ahead of this machine's; keep both in time (NTP)")
        }
        return found
    }

    // MARK: - The machine

    private mutating func lookAtHost(_ facts: DoctorFacts) {
        if let limit = facts.openFileLimit {
            add(
                "open files", limit < 1024 ? .warning : .ok,
                limit < 1024
                    ? "the limit is \(limit); raise it to 1024 at least (ulimit -n)" : "up to \(limit)")
        }
        if let free = facts.freeBytes {
            let megabytes = free >> 20
            switch megabytes {
            case ..<64: add("disk", .problem, "\(megabytes) MB are free beside the database; make space")
            case ..<1024: add("disk", .warning, "only \(megabytes) MB are free beside the database")
            default: add("disk", .ok, "\(megabytes >> 10) GB are free beside the database")
            }
        }
    }
}
