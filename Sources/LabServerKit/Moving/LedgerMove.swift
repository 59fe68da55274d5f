import InventoryService
import LabCrypto
import LedgerPostgres
import LedgerSQLite
import PostgresClient

/// Moves the ledger of a stopped server from SQLite to PostgreSQL.
///
/// Rows keep their numbers, and the ledger keeps its name in Redis, so the stock there stays its own. All
/// rows are copied, then each is read on both sides and compared; only then does the database become a
/// ledger, and the file one that no server opens. A kill at any moment leaves a source as it was, or a move
/// that is whole.
struct LedgerMove {
    let source: SQLiteLedger
    let target: PostgresIntake
    /// Rows that are read, and written in one transaction.
    var batch = 2000
    /// Tells the person who waits how far it is.
    let say: (String) throws(StartFailure) -> Void

    enum Outcome: Sendable, Hashable {
        case moved
        /// By an earlier run; servers may have changed the target since.
        case wasMoved
    }

    func run() async throws -> Outcome {
        switch try await target.begin() {
        case .done: return .wasMoved
        case .fresh: break
        case .resumed: try say("an earlier move was not finished; this one goes on with it\n")
        }
        for table in MovedTable.all { try await copy(table) }
        for table in MovedTable.all { try await compare(table) }
        var lastNumbers: [String: Int64] = [:]
        for table in MovedTable.all where table.isNumbered {
            lastNumbers[table.name] = try await source.lastNumber(of: table.name)
        }
        try await target.finish(lastNumbers: lastNumbers)
        return .moved
    }

    private func copy(_ table: MovedTable) async throws {
        let total = try await source.count(table.name)
        var done = try await target.count(table)
        if done > 0, done < total { try say("\(table.name): \(done) of \(total) rows are there already\n") }
        var last = try await target.lastKey(of: table)
        var tenth = done * 10 / max(total, 1)
        while true {
            let rows = try await rowsOfSource(table, after: last)
            guard let newest = rows.last else { return }
            try await target.add(rows, to: table)
            last = Self.key(of: newest, in: table)
            done += rows.count
            if done * 10 / max(total, 1) > tenth {
                tenth = done * 10 / max(total, 1)
                try say("\(table.name): \(done) of \(total) rows\n")
            }
        }
    }

    /// Reads every row on both sides.
    ///
    /// - Throws: ``StartFailure`` that names the first row that is not the same.
    private func compare(_ table: MovedTable) async throws {
        var (ours, theirs) = (RowDigest(), RowDigest())
        var last: [String?]?
        while true {
            let rows = try await rowsOfSource(table, after: last)
            let copies = try await target.rows(of: table, after: last, limit: batch)
            for place in 0..<max(rows.count, copies.count) {
                let (row, copy) = (rows.dropFirst(place).first, copies.dropFirst(place).first)
                guard row == copy else { throw Self.difference(row ?? copy ?? [], in: table) }
            }
            for row in rows { ours.add(row) }
            for row in copies { theirs.add(row) }
            guard let newest = rows.last else { break }
            last = Self.key(of: newest, in: table)
        }
        guard ours == theirs else { throw Self.difference([], in: table) }
        try say("\(table.name): \(ours.count) rows, the same on both sides, SHA-256 \(ours.text)\n")
    }

    private static func difference(_ row: [String?], in table: MovedTable) -> StartFailure {
        let key = row.prefix(table.keys).map { $0 ?? "NULL" }.joined(separator: ", ")
        return StartFailure(
            .databaseUnusable,
            "the row \(key) of \(table.name) is not the same on both sides, so the move was not finished: was the "
                + "database changed meanwhile? make it anew with dropdb and createdb, and run this again")
    }

    private func rowsOfSource(_ table: MovedTable, after last: [String?]?) async throws -> [[String?]] {
        try await source.rows(
            of: table.name, table.columns.map { .init($0.name, isNumber: $0.isNumber) }, keys: table.keys,
            after: last, limit: batch)
    }

    private static func key(of row: [String?], in table: MovedTable) -> [String?] {
        Array(row.prefix(table.keys))
    }
}

/// One text for all rows of a table, in their order: each step is the SHA-256 of the one before and a row.
struct RowDigest: Hashable {
    private(set) var count = 0
    private var state: [UInt8] = []

    mutating func add(_ row: [String?]) {
        count += 1
        for value in row {
            guard let value else {
                state.append(0)
                continue
            }
            // The length says where a value ends.
            state += [1] + withBytes(of: value.utf8.count) + Array(value.utf8)
        }
        state = OpenSSL.sha256(state)
    }

    private func withBytes(of length: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }

    /// In 64 hexadecimal digits; of no rows: the SHA-256 of nothing.
    var text: String {
        (count == 0 ? OpenSSL.sha256([]) : state).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
