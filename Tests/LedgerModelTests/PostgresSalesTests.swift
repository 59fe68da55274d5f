import InventoryService
import LabTesting
import LockStrategies
import PostgresClient
import Testing

@testable import LedgerModel
@testable import LedgerPostgres

/// Random sales that share a transaction on PostgreSQL, and the same one after the other in the model:
/// answers and rows must be the same.
@Suite(
    "Sales that share a transaction on PostgreSQL",
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresSalesTests {
    private static func word(_ result: Result<RecordOutcome, InventoryError>) -> String {
        switch result {
        case .success(let outcome): "\(outcome)"
        case .failure(let error): "error \(error.code.rawValue)"
        }
    }

    @Test("get the answers that they would get alone", arguments: 1...2 as ClosedRange<UInt64>)
    func areTheSame(seed: UInt64) async throws {
        var settings = LedgerSettings(patience: .seconds(60))
        settings.durability = .normal
        let real = try await PostgresLedger.open(try await PostgresDatabases.make(), settings: settings)
        var written = 0
        // Each world has few reservations, which a sale uses up.
        for world in 0..<8 {
            try await real.empty()
            written += try await compare(real, LedgerStepMaker(seed: seed &* 1000 &+ UInt64(world)))
        }
        #expect(written >= 15, "\(written)")
        await real.close()
    }

    /// - Returns: How many purchases were written.
    private func compare(_ real: PostgresLedger, _ steps: LedgerStepMaker) async throws -> Int {
        let model = ModelLedger(LedgerModel(origin: real.origin))
        let transaction = SaleTransaction(origin: real.origin, pool: real.pool, patience: .seconds(60))
        var maker = steps
        var written = 0
        for round in 1...4 {
            // Some calls on both, so that there is something to sell.
            for place in 0..<8 {
                let step = maker.step((round - 1) * 8 + place, seeing: model.snapshot)
                _ = await step.outcome(on: real)
                _ = await step.outcome(on: model)
            }
            var sales: [Sale] = []
            while sales.count < round * 3 {
                if case .recordSale(let sale) = maker.step(100, seeing: model.snapshot) { sales.append(sale) }
            }
            var expected: [String] = []
            for sale in sales { expected.append(await LedgerStep.recordSale(sale).outcome(on: model)) }
            let report = await transaction.record(sales)
            #expect(report.results.map(Self.word) == expected, "\(sales)")
            written += expected.count { $0.hasPrefix("recorded") }
        }
        var comparison = LedgerDifferential(real: real, suspect: .faithful)
        let difference = try await comparison.differenceOfState(model)
        #expect(difference == nil, "\(difference ?? "")")
        return written
    }
}
