import Foundation
import GRDB
import InventoryService
import LabProcesses
import Testing

@testable import LedgerModel
@testable import LedgerSQLite

/// Random sales, written together and each alone from the same rows: answers and rows must be the same.
@Suite("Sales written together and each alone") struct SalesTogetherTests {
    /// What the sales left behind, and what their callers hear.
    private struct Trace: Equatable {
        var answers: [String]
        var rows: [String]
    }

    private static func trace(
        _ database: Database, _ write: (Database) throws -> [Result<RecordOutcome, any Error>]
    ) throws -> Trace {
        var trace = Trace(answers: [], rows: [])
        try database.inSavepoint {
            trace.answers = try write(database).map { result in
                switch result {
                case .success(let outcome): "\(outcome)"
                case .failure(let error): "error \(SQLiteLedger.error(error).code.rawValue)"
                }
            }
            trace.rows = try ["SELECT * FROM products ORDER BY id", "SELECT * FROM purchases ORDER BY id"]
                .flatMap { try Row.fetchAll(database, sql: $0).map(\.description) }
            return .rollback
        }
        return trace
    }

    @Test("differ in nothing", arguments: 1...4 as ClosedRange<UInt64>)
    func areTheSame(seed: UInt64) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        var settings = LedgerSettings()
        settings.durability = .normal
        let ledger = try await SQLiteLedger.open(path: directory.file("l.sqlite"), settings: settings)
        let model = ModelLedger(LedgerModel(origin: ledger.origin))
        var maker = LedgerStepMaker(seed: seed)
        let recorder = SaleRecorder(origin: ledger.origin)
        var (together, apart) = (0, 0)
        var place = 0
        for _ in 0..<60 {
            // Some calls on both, so that there is something to sell, then sales on neither.
            for _ in 0..<8 {
                let step = maker.step(place, seeing: model.snapshot)
                _ = await step.outcome(on: ledger)
                _ = await step.outcome(on: model)
                place += 1
            }
            var sales: [Sale] = []
            while sales.count < 1 + place / 8 % 9 {
                if case .recordSale(let sale) = maker.step(place, seeing: model.snapshot) {
                    sales.append(sale)
                }
            }
            let found = try await ledger.pool.write { [sales] database in
                var isTogether = false
                let first = try Self.trace(database) { database in
                    let report = try recorder.record(sales, in: database)
                    isTogether = report.dissent == nil
                    return report.results
                }
                let second = try Self.trace(database) { try recorder.each(sales, in: $0) }
                return (first, second, isTogether)
            }
            #expect(found.0 == found.1, "seed \(seed), after \(place) calls: \(sales)")
            if found.2 { together += 1 } else { apart += 1 }
        }
        // A comparison of sales that were written each alone both times says nothing.
        #expect(together >= 15 && apart >= 3, "\(together) together, \(apart) apart")
        await ledger.close()
        directory.remove()
    }
}
