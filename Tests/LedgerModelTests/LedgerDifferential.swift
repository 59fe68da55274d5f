import InventoryService
import LockStrategies

@testable import LedgerModel

/// The model beside a ledger on an engine: both get the same random sequences of calls.
struct LedgerDifferential<Real: ComparedLedger> {
    let real: Real
    let suspect: LedgerSuspect
    /// How often the engine's ledger gave each kind of answer, such as `recordSale oversellRefused`.
    private(set) var kinds: [String: Int] = [:]

    init(real: Real, suspect: LedgerSuspect) {
        self.real = real
        self.suspect = suspect
    }

    /// Runs sequences until both sides differ.
    ///
    /// - Returns: The calls of the sequence, and the two answers; nil when there is no difference.
    mutating func firstDifference(seed: UInt64, sequences: Int, length: Int) async throws -> String? {
        for number in 0..<sequences {
            try await real.empty()
            // A sequence can be run alone: it has a seed of its own.
            var maker = LedgerStepMaker(seed: seed &* 1_000_003 &+ UInt64(number))
            let ledger = ModelLedger(LedgerModel(origin: real.origin))
            var calls: [String] = []
            for place in 0..<length {
                let step = maker.step(place, seeing: ledger.snapshot)
                calls.append("\(place): \(step)")
                if let difference = await difference(step, ledger) {
                    return Self.report(seed, number, calls, difference)
                }
            }
            if let difference = try await differenceOfState(ledger) {
                return Self.report(seed, number, calls, difference)
            }
        }
        return nil
    }

    /// Makes the calls on both sides until they differ.
    mutating func difference(_ steps: [LedgerStep], _ ledger: ModelLedger) async -> String? {
        for step in steps {
            if let difference = await difference(step, ledger) { return difference }
        }
        return nil
    }

    /// All that the read functions tell, and the rows that none of them tells.
    mutating func differenceOfState(_ ledger: ModelLedger) async throws -> String? {
        if let difference = await difference(Self.look, ledger) { return difference }
        let (rows, modelled) = (try await real.hiddenRows().sorted(), Self.hiddenRows(of: ledger.snapshot))
        return rows == modelled ? nil : "the engine has the rows \(rows)\nthe model has the rows \(modelled)"
    }

    private mutating func difference(_ step: LedgerStep, _ ledger: ModelLedger) async -> String? {
        let expected = await step.outcome(on: real)
        let answer = await suspect.outcome(of: step, on: ledger)
        kinds[step.kind(of: expected), default: 0] += 1
        // Byte by byte: equal characters are not enough.
        guard !expected.utf8.elementsEqual(answer.utf8) else { return nil }
        return "\(step)\nthe engine said \(expected)\nthe model said  \(answer)"
    }

    private static func report(
        _ seed: UInt64, _ sequence: Int, _ calls: [String], _ difference: String
    ) -> String {
        "seed \(seed), sequence \(sequence)\n" + calls.joined(separator: "\n") + "\ndiffers: \(difference)"
    }

    // MARK: - State

    /// Reads all of the small world.
    private static var look: [LedgerStep] {
        guard let page = try? Page() else { return [] }
        let ofUsers = LedgerStepMaker.users.flatMap { user -> [LedgerStep] in
            [.user(user), .standing(user), .purchasesOfUser(user, page)]
                + LedgerStepMaker.keys.map { .answer(user, $0) }
        }
        let ofProducts = LedgerStepMaker.products.flatMap { product -> [LedgerStep] in
            [
                .product(product), .stockAccount(product), .highestFence(product),
                .unitsBought(UserID(1), product), .unitsBought(UserID(3), product),
            ]
        }
        let ofAll: [LedgerStep] = [
            .users(page), .products(page), .purchases(PurchaseFilter(), page), .stockServers,
            .stockAccounts(after: nil, limit: 100), .recorded(LedgerStepMaker.reservations),
        ]
        return ofAll + ofUsers + ofProducts + LedgerStepMaker.names.map { .credentials($0) }
    }

    private static func hiddenRows(of model: LedgerModel) -> [String] {
        let endings = model.endings.map { "\($0.key) ended \($0.value)" }
        let refusals = model.refusals.values.flatMap(\.values).map {
            "\($0.user) \($0.key) refused \($0.refusedAt)"
        }
        let movements = model.movements.map { row in
            "\(row.product) moved \(row.delta) \(row.reservation?.description ?? "") "
                + "\(row.actor?.description ?? "") \(row.time) \(row.reason)"
        }
        let purchases = model.purchases.map { row in
            "\(row.purchase.id) bought \(row.reservation) \(row.key?.description ?? "") "
                + "\(row.fence.map { "\($0.rawValue)" } ?? "") \(row.strategy)"
        }
        return (endings + refusals + movements + purchases).sorted()
    }
}
