extension PostgresConnection {
    /// Tells an open transaction to commit.
    ///
    /// - Throws: `.refused` when it was rolled back; `.outcomeUnknown` when nobody knows what became of it.
    package func commit(within limit: Duration) async throws(PostgresError) {
        let results: [PostgresResult]
        do throws(PostgresError) {
            results = try await run([.commit], within: limit)
        } catch {
            if error.code == .refused, error.sqlState?.isRollback == true { throw error }
            throw PostgresError(.outcomeUnknown, error.context, sqlState: error.sqlState)
        }
        guard results.last?.tag == "COMMIT" else {
            throw PostgresError(.refused, "PostgreSQL rolled the transaction back")
        }
    }

    /// Gives an open transaction up. Where that fails too, the connection is of no more use.
    package func rollBack(within limit: Duration) async {
        do throws(PostgresError) {
            _ = try await run([.rollback], within: limit)
        } catch {
            close()
        }
    }
}
