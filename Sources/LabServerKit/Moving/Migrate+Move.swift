import Foundation
import InventoryService
import LedgerPostgres
import LedgerSQLite
import PostgresClient

/// `lab-server migrate --from … --to …`.
extension Migrate {
    func move() async throws {
        let (path, endpoint) = try places()
        guard FileManager.default.fileExists(atPath: path) else {
            throw StartFailure(.databaseUnusable, "there is no database \(path); check --from")
        }
        let source: SQLiteLedger
        do throws(InventoryError) {
            source = try await SQLiteLedger.open(path: path, keepsCopy: !withoutCopy, acceptsMoved: true)
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
        let result: Result<LedgerMove.Outcome, any Error>
        do {
            if let copy = source.copyBefore { try answer("\(copy): a copy of the ledger as it was\n") }
            result = .success(try await move(source, to: endpoint))
        } catch let error as InventoryError {
            result = .failure(StartFailure(.databaseUnusable, error.context))
        } catch {
            result = .failure(error)
        }
        await source.close()
        let outcome = try result.get()
        try answer(
            outcome == .moved
                ? "the ledger \(path) was moved to \(endpoint); start the servers with that, and with the same Redis\n"
                : "the ledger \(path) was moved to \(endpoint) before; nothing was changed\n")
    }

    private func places() throws(StartFailure) -> (path: String, PostgresEndpoint) {
        guard let from, let to, ledger.database == nil else {
            throw StartFailure(
                .usage,
                "a move needs --from sqlite:PATH and --to postgres://USER@HOST/NAME, and no --database")
        }
        guard case .sqlite(let path) = try ledger.address(from, flag: "--from") else {
            throw StartFailure(
                .usage, "--from must be sqlite:PATH: a ledger is moved from SQLite to PostgreSQL")
        }
        guard case .postgres(let endpoint) = try ledger.address(to, flag: "--to") else {
            throw StartFailure(.usage, "--to must be postgres://USER@HOST/NAME")
        }
        return (path, endpoint)
    }

    private func move(
        _ source: SQLiteLedger, to endpoint: PostgresEndpoint
    ) async throws -> LedgerMove.Outcome {
        let target = try await PostgresIntake.open(endpoint, origin: source.origin)
        defer { target.close() }
        let outcome = try await LedgerMove(source: source, target: target) { text throws(StartFailure) in
            try answer(text)
        }.run()
        // A kill before this line: the next run notes it.
        try await source.noteMove(to: "\(endpoint)", at: WallClock.system.now)
        return outcome
    }
}
