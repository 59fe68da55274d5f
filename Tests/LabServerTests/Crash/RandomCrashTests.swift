import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import Synchronization
import Testing

@testable import LabServerKit

/// Buyers with idempotency keys while server, Redis and PostgreSQL are killed at random moments.
///
/// `LAB_CRASH_KILLS` kills in each of the two runs on a database (default 6), moments from `LAB_CRASH_SEED`
/// (default: another one each time, printed); `LAB_CRASH_DATABASE` leaves out the other database.
/// `./lab check --crash` runs it long.
@Suite("Server, Redis and database are killed at random moments", .serialized)
struct RandomCrashTests {
    private static let named = ProcessInfo.processInfo.environment["LAB_CRASH_DATABASE"]

    /// One buyer's notes: what each key was answered, for good.
    private final class Notebook: Sendable {
        struct Notes: Sendable {
            var bought: [String: Int64] = [:]
            var refused: Set<String> = []
            var contradictions: [String] = []
            var tries = 0
        }

        private let notes = Mutex(Notes())

        var all: Notes { notes.withLock { $0 } }

        func noteTry() { notes.withLock { $0.tries += 1 } }

        func noteBought(_ key: String, _ id: Int64) {
            notes.withLock { notes in
                if let before = notes.bought.updateValue(id, forKey: key), before != id {
                    notes.contradictions.append("\(key): \(before), then \(id)")
                }
                if notes.refused.contains(key) { notes.contradictions.append("\(key): refused, then bought") }
            }
        }

        func noteRefused(_ key: String) {
            notes.withLock { notes in
                if notes.bought[key] != nil { notes.contradictions.append("\(key): bought, then refused") }
                notes.refused.insert(key)
            }
        }
    }

    /// splitmix64 (Steele, Lea, Flood, 2014): the moments of one seed are the same on every machine.
    private struct Moments {
        var state: UInt64

        mutating func next(_ bound: UInt64) -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return (value ^ (value >> 31)) % bound
        }
    }

    private static var kills: Int {
        ProcessInfo.processInfo.environment["LAB_CRASH_KILLS"].flatMap { Int($0) } ?? 6
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["LAB_CRASH_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...9_999_999)
    }

    @Test(
        "no acknowledged purchase is missing, none is double, no unit is lost, no stock is negative",
        .enabled(if: named != "postgres", "LAB_CRASH_DATABASE names the other one"),
        .timeLimit(.minutes(60)),
        arguments: [RedisServerOptions.Persistence.aofAlways, .none])
    func kills(persistence: RedisServerOptions.Persistence) async throws {
        try await kill(persistence, onPostgres: false)
    }

    @Test(
        "nor with the ledger on a PostgreSQL that is killed too",
        .enabled(if: named != "sqlite", "LAB_CRASH_DATABASE names the other one"),
        .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"),
        .timeLimit(.minutes(60)),
        arguments: [RedisServerOptions.Persistence.aofAlways, .none])
    func killsOnPostgres(persistence: RedisServerOptions.Persistence) async throws {
        try await kill(persistence, onPostgres: true)
    }

    private func kill(
        _ persistence: RedisServerOptions.Persistence, onPostgres: Bool
    ) async throws {
        let seed = Self.seed
        var moments = Moments(state: seed)
        try await CrashLab.run(persistence: persistence, onPostgres: onPostgres) { lab async throws in
            try await lab.startServer()
            let buyer = try await lab.client.signedIn()
            // So few that some runs sell out: refusals are answers too.
            let product = try await buyer.product(units: 40 * Self.kills)
            let notebook = Notebook()
            let over = Recorder<Bool>()
            var downs = Downs()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        await Self.shop(buyer, product, number, notebook) { !over.values.isEmpty }
                    }
                }
                for _ in 0..<Self.kills {
                    try await Task.sleep(for: .milliseconds(Int64(40 + moments.next(500))))
                    try await Self.strike(lab, &moments, &downs)
                }
                over.note(true)
                try await group.waitForAll()
            }
            try await lab.stopServer()
            let fixed = try await lab.reconcile(fix: true)
            #expect(fixed.status == .exited(0), "seed \(seed): \(fixed.output)")
            let clean = try await lab.reconcile(fix: false)
            #expect(clean.status == .exited(0), "seed \(seed): \(clean.output)")
            let notes = notebook.all
            let audit = try await lab.evidence(product)
            let others = "\(downs.redis) of Redis" + (onPostgres ? ", \(downs.postgres) of PostgreSQL" : "")
            print(
                "crash test: \(persistence.rawValue), seed \(seed), \(Self.kills) kills (\(others)), "
                    + "\(notes.tries) requests, \(notes.bought.count) purchases answered, \(audit.rows.count) rows, "
                    + "\(notes.refused.count) refusals, stock \(audit.stock), open \(audit.openUnits)")
            #expect(!notes.bought.isEmpty, "seed \(seed): nothing was bought, so nothing was shown")
            #expect(notes.contradictions.isEmpty, "seed \(seed): \(notes.contradictions)")
            #expect(audit.isConserved && audit.openUnits == 0, "seed \(seed): \(audit.supplied) supplied")
            let rows = Dictionary(grouping: audit.rows) { $0.key ?? "" }
            #expect(rows.values.allSatisfy { $0.count == 1 }, "seed \(seed): a key bought twice")
            let lost = notes.bought.filter { rows[$0.key]?.first?.id != $0.value }
            #expect(lost.isEmpty, "seed \(seed): acknowledged and missing: \(lost)")
            #expect(notes.refused.isDisjoint(with: rows.keys), "seed \(seed): refused and sold")
            // Every key got its definite answer in the end, so there is no row that nobody knows.
            #expect(Set(rows.keys) == Set(notes.bought.keys), "seed \(seed)")
        }
    }

    private struct Downs {
        var redis = 0
        var postgres = 0
    }

    /// Kills one of them, sometimes two at once, and starts it again.
    private static func strike(
        _ lab: CrashLab, _ moments: inout Moments, _ downs: inout Downs
    ) async throws {
        switch moments.next(lab.postgres == nil ? 2 : 3) {
        case 0:
            await lab.killServer()
            if moments.next(4) == 0 {
                await lab.redis.kill()
                try await lab.redis.restart()
                downs.redis += 1
            }
            if let postgres = lab.postgres, moments.next(4) == 0 {
                await postgres.kill()
                try await postgres.restart()
                downs.postgres += 1
            }
            try await lab.startServer()
        case 1:
            await lab.redis.kill()
            try await Task.sleep(for: .milliseconds(Int64(moments.next(100))))
            try await lab.redis.restart()
            downs.redis += 1
        default:
            await lab.postgres?.kill()
            try await Task.sleep(for: .milliseconds(Int64(moments.next(100))))
            try await lab.postgres?.restart()
            downs.postgres += 1
        }
    }

    /// Buys under one key after the other; asks again under the same key until the answer is definite, and
    /// sometimes once more after that.
    private static func shop(
        _ buyer: ApiClient, _ product: Int, _ number: Int, _ notebook: Notebook,
        until isOver: @Sendable () -> Bool
    ) async {
        var count = 0
        while !isOver() {
            count += 1
            let key = "buyer-\(number)-\(count)"
            var answers = 0
            while answers < (count.isMultiple(of: 5) ? 2 : 1) {
                notebook.noteTry()
                let answer = try? await buyer.buy(
                    product, 1 + count % 3, headers: [.idempotencyKey: key])
                switch answer?.status {
                case 200:
                    notebook.noteBought(key, Int64(answer?.body["id"] as? Int ?? -1))
                    answers += 1
                case 400, 404:
                    notebook.noteRefused(key)
                    answers += 1
                default:
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
        }
    }
}
