import GRDB

/// The statements that begin and end transactions and their parts. GRDB's own methods compile them anew each
/// time, which costs as much as the row of a purchase.
extension Database {
    func beginImmediate() throws { try cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute() }

    func commitCached() throws { try cachedStatement(sql: "COMMIT TRANSACTION").execute() }

    /// Runs `part` inside the transaction; what it wrote is undone when it throws.
    func inPart<Value>(_ part: () throws -> Value) throws -> Value {
        try cachedStatement(sql: "SAVEPOINT part").execute()
        do {
            let value = try part()
            try cachedStatement(sql: "RELEASE SAVEPOINT part").execute()
            return value
        } catch {
            // A full disk and its like make SQLite roll the whole transaction back by itself.
            if isInsideTransaction {
                try? cachedStatement(sql: "ROLLBACK TRANSACTION TO SAVEPOINT part").execute()
                try? cachedStatement(sql: "RELEASE SAVEPOINT part").execute()
            }
            throw error
        }
    }
}
