import LedgerPostgres
import PostgresClient

/// What the facts about a database of PostgreSQL mean.
extension Diagnosis {
    /// Whether a restored or a new server would have room for its connections.
    private static let connectionsOfAServer = PostgresPool.Settings().connections

    mutating func look(at ledger: PostgresInspection, _ name: String) {
        if let failure = ledger.failure {
            // Where nothing was seen, there is nothing more to say.
            add("database", .problem, failure)
            guard !ledger.version.isEmpty else { return }
        } else if ledger.isReadOnly {
            add(
                "database", .problem,
                "\(name) takes no writes: it is a read-only replica, or was told so; name the server that takes "
                    + "writes in --database, or all of them")
        } else if ledger.encoding != "UTF8" {
            add(
                "database", .problem,
                "\(name) has the encoding \(ledger.encoding) and needs UTF8; make it with: createdb --encoding "
                    + "UTF8 --template template0")
        } else {
            add("database", .ok, "\(name): PostgreSQL \(ledger.version); it was only read")
        }
        lookAtTables(ledger)
        lookAtDurability(ledger)
        lookAtConnections(ledger)
        if let lead = ledger.clockLead, lead < .seconds(-2) || lead > .seconds(2) {
            add(
                "clock", .warning,
                "the clock of PostgreSQL is \(lead.components.seconds) s ahead of this machine's; keep both in "
                    + "time (NTP)")
        }
        if let problem = ledger.dumpProblem { add("backup", .warning, problem) }
        add(
            "disk", .ok,
            "how much space is free on PostgreSQL's machine cannot be seen from here: watch it there; the database "
                + "has \(ledger.bytes >> 20) MB")
    }

    private mutating func lookAtTables(_ ledger: PostgresInspection) {
        if ledger.isUnfinished {
            add(
                "schema", .problem,
                "it holds half a ledger: a restore or a move into it was not finished; run that command again, "
                    + "or make the database anew")
        } else if let standing = ledger.standing {
            look(at: standing, stranger: ledger.stranger)
        }
        if ledger.danglingRows > 0 {
            add(
                "references", .problem,
                "\(ledger.danglingRows) rows refer to something that is not there: the database was changed from "
                    + "outside; restore a backup")
        }
        if !ledger.contradictions.isEmpty {
            add(
                "books", .problem,
                "\(ledger.contradictions.joined(separator: "; ")): the database was changed from outside; restore a "
                    + "backup")
        }
    }

    private mutating func look(at standing: PostgresMigrations.Standing, stranger: String?) {
        switch standing {
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
        case .empty:
            if let stranger {
                add(
                    "schema", .warning,
                    "the database holds \(stranger) and no ledger; is this the right --database?")
            } else {
                add("schema", .ok, "the database is empty; the first start makes the ledger")
            }
        }
    }

    private mutating func lookAtDurability(_ ledger: PostgresInspection) {
        var isFine = true
        func note(_ verdict: Finding.Verdict, _ text: String) {
            isFine = false
            add("durability", verdict, text)
        }
        if !ledger.fsync {
            note(
                .problem,
                "fsync is off: a power cut loses purchases that were acknowledged, so serve does not start; set "
                    + "fsync=on in postgresql.conf")
        }
        if !ledger.fullPageWrites {
            note(
                .warning,
                "full_page_writes is off: a power cut can damage pages; set it to on, unless the disk writes "
                    + "whole pages")
        }
        if !["on", "remote_apply"].contains(ledger.synchronousCommit) {
            note(
                .warning,
                "synchronous_commit is \(ledger.synchronousCommit): lab-server sets it to on for its own "
                    + "connections, and what other programs write can be lost though it was acknowledged; set it "
                    + "to on")
        }
        if !ledger.hasChecksums {
            note(
                .warning,
                "the server keeps no checksums of its pages, so damage by the disk is not noticed; turn them on "
                    + "with pg_checksums while it is stopped")
        }
        if isFine { note(.ok, "commits wait for the disk, and pages have checksums") }
    }

    private mutating func lookAtConnections(_ ledger: PostgresInspection) {
        let free = max(ledger.connectionLimit - ledger.connections, 0)
        let wanted = Self.connectionsOfAServer
        let counts = "\(free) of \(ledger.connectionLimit) connections are free"
        add(
            "connections", free < wanted ? .warning : .ok,
            free < wanted
                ? "\(counts), and one lab-server uses up to \(wanted); raise max_connections, or end what holds them"
                : "\(counts); one lab-server uses up to \(wanted)")
    }
}
