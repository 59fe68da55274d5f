import Foundation
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import Testing

@testable import LedgerModel
@testable import LedgerPostgres
@testable import LedgerSQLite

/// The same random calls to the model and to the ledger on an engine, which must not be told apart: all
/// outcomes, the codes of all errors, and all that can be read after each sequence.
@Suite("The model and the ledgers", .serialized)
struct LedgerDifferentialTests {
    /// Another seed or another number of sequences comes from the environment.
    private static let seed = UInt64(ProcessInfo.processInfo.environment["LEDGER_SEED"] ?? "") ?? 1
    private static let sequences =
        Int(ProcessInfo.processInfo.environment["LEDGER_SEQUENCES"] ?? "") ?? 420
    private static let length = 50

    /// Without fsync: what commits survive is not looked at here.
    private func withComparison<Value>(
        _ suspect: LedgerSuspect, _ body: (inout LedgerDifferential<SQLiteLedger>) async throws -> Value
    ) async throws -> Value {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        var settings = LedgerSettings(patience: .seconds(60))
        settings.durability = .normal
        let real = try await SQLiteLedger.open(path: directory.file("ledger.sqlite"), settings: settings)
        do {
            var comparison = LedgerDifferential(real: real, suspect: suspect)
            let value = try await body(&comparison)
            await real.close()
            return value
        } catch {
            await real.close()
            throw error
        }
    }

    /// The same with a ledger on PostgreSQL.
    private func withPostgresComparison<Value>(
        _ body: (inout LedgerDifferential<PostgresLedger>) async throws -> Value
    ) async throws -> Value {
        var settings = LedgerSettings(patience: .seconds(60))
        settings.durability = .normal
        let real = try await PostgresLedger.open(try await PostgresDatabases.make(), settings: settings)
        do {
            var comparison = LedgerDifferential(real: real, suspect: .faithful)
            let value = try await body(&comparison)
            await real.close()
            return value
        } catch {
            await real.close()
            throw error
        }
    }

    @Test(
        "on PostgreSQL are not told apart by random sequences of calls, among them each kind of answer",
        .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
    func isFaithfulOnPostgres() async throws {
        let sequences = min(Self.sequences, 40)
        print("differential test of the ledger on PostgreSQL: seed \(Self.seed), \(sequences) sequences")
        try await withPostgresComparison { comparison in
            let difference = try await comparison.firstDifference(
                seed: Self.seed, sequences: sequences, length: Self.length)
            #expect(difference == nil, "\(difference ?? "")")
            guard difference == nil, sequences >= 40 else { return }
            let kinds = comparison.kinds
            #expect(Self.kinds.filter { $0.hasPrefix("record") && kinds[$0] == nil } == [])
        }
    }

    @Test("on SQLite are not told apart by random sequences of calls, among them each kind of answer")
    func isFaithful() async throws {
        print("differential test of the ledger: seed \(Self.seed), \(Self.sequences) sequences")
        try await withComparison(.faithful) { comparison in
            let difference = try await comparison.firstDifference(
                seed: Self.seed, sequences: Self.sequences, length: Self.length)
            #expect(difference == nil, "\(difference ?? "")")
            // Few sequences do not meet all of them.
            guard difference == nil, Self.sequences >= 400 else { return }
            let kinds = comparison.kinds
            #expect(Self.kinds.filter { kinds[$0] == nil } == [])
        }
    }

    /// The answers to writes that a comparison is worth nothing without.
    private static let kinds = [
        "recordSale": [
            "recorded", "alreadyRecorded", "stockReplaced", "limitReached", "reservationEnded",
            "productNotFound", "oversellRefused", "error unknown-user", "error ledger-unavailable",
        ],
        "recordMovement": [
            "recorded", "productNotFound", "stockReplaced", "reservationEnded", "outOfRange",
            "error ledger-unavailable",
        ],
        "recordRefusal": ["", "error unknown-user", "error ledger-unavailable"],
        "answer": ["nil", "purchase", "refusal"],
        "end": ["none", "some"],
        "recorded": ["none", "some"],
        "beginFilling": ["nil", "StockFilling", "error ledger-unavailable"],
        "noteStockServers": ["", "error ledger-unavailable"],
        "createUser": ["created", "usernameTaken", "emailTaken", "error ledger-unavailable"],
        "changeUser": ["nil", "User", "error ledger-unavailable"],
        "withdrawProduct": ["true", "false"],
        "deleteProduct": ["true", "false", "error ledger-unavailable"],
        "changeProduct": ["nil", "Product"],
    ].flatMap { call, outcomes in outcomes.map { "\(call) \($0)" } }

    @Test(
        "are told apart when the model has a fault",
        arguments: LedgerSuspect.allCases.filter { $0 != .faithful })
    func findsFaults(of suspect: LedgerSuspect) async throws {
        let difference = try await withComparison(suspect) { comparison in
            try await comparison.firstDifference(
                seed: Self.seed, sequences: Self.sequences, length: Self.length)
        }
        #expect(difference != nil)
    }

    @Test("keep the same refusals of a user who has more than a ledger keeps, and forget the same")
    func boundOfRefusals() async throws {
        let count = PurchaseRefusal.mostKept + 60
        let refusals = try (0..<count).map { number in
            // Many are equally old, and the later ones are not the newer ones.
            PurchaseRefusal(
                user: UserID(1), key: try IdempotencyKey("k\(number)"), product: ProductID(1), quantity: 1,
                outcome: .soldOut, refusedAt: Timestamp(microseconds: Int64(number * 7919 % 41) * 1_000_000))
        }
        let user = NewUser(
            username: "ann", email: nil, passwordHash: PasswordHash(stored: "h"), role: .user,
            createdAt: Timestamp(microseconds: 0))
        try await withComparison(.faithful) { comparison in
            let ledger = ModelLedger(LedgerModel(origin: comparison.real.origin))
            let steps = [.createUser(user)] + refusals.map { LedgerStep.recordRefusal($0) }
            #expect(await comparison.difference(steps, ledger) == nil)
            let difference = try await comparison.differenceOfState(ledger)
            #expect(difference == nil)
            let kept = ledger.snapshot.refusals[UserID(1)]?.count ?? 0
            #expect((PurchaseRefusal.mostKept..<count).contains(kept))
            let end = LedgerStep.forgetEnded(Timestamp(microseconds: 39_000_000))
            #expect(await comparison.difference([end], ledger) == nil)
            let laterDifference = try await comparison.differenceOfState(ledger)
            #expect(laterDifference == nil)
        }
    }

    @Test("draw an origin of the same form, by the chance that they are given")
    func origin() async throws {
        let drawn = (0..<100).map { LedgerModel(random: .seeded($0)).origin }
        #expect(Set(drawn).count == 100)
        #expect(drawn.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{16}/) != nil })
        #expect(LedgerModel(random: .seeded(7)).origin == drawn[7])
        try await withComparison(.faithful) { comparison in
            #expect(comparison.real.origin.wholeMatch(of: /[0-9a-f]{16}/) != nil)
        }
    }
}
