import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@testable import LabServerKit

/// The drill that an operator should have done once: a backup under load, the machine lost, the backup
/// restored.
@Suite("A backup is taken under load, the server is lost, and the backup is restored")
struct BackupDrillTests {
    enum Redis: Sendable {
        /// The one of before: it knows sales, reservations, supplies and products that the restored ledger
        /// does not.
        case newerThanLedger
        case empty
    }

    /// What the buyers were told.
    private final class Receipts: Sendable {
        private let bought = Mutex<[String: Int]>([:])

        /// Purchases by their keys.
        var all: [String: Int] { bought.withLock { $0 } }

        func note(_ key: String, _ id: Int) { bought.withLock { $0[key] = id } }
    }

    @Test(
        "Nothing is oversold, no unit is lost, what was answered before the backup is there and is answered again, and nothing of the lost time is taken for something new",
        arguments: [StrategyEntry.luaAtomic, .setnxBackoff], [Redis.newerThanLedger, .empty])
    func drill(strategy: StrategyEntry, stand: Redis) async throws {
        try await CrashLab.run(strategy) { lab async throws in
            try await lab.makeAdministrator("boss")
            try await lab.startServer()
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 100_000)
            let (before, backup) = try await underLoad(lab, buyer, product)
            let lost = try await afterBackup(lab, product)
            await lab.killServer()

            let restored = lab.file("restored.sqlite")
            let report = try await restore(lab, backup, to: restored)
            #expect(report["purchases"] as? Int ?? 0 >= before.count)
            for name in ["rpo_s", "backup_age_s", "rto_s"] {
                let seconds = try #require(report[name] as? Double, "\(name)")
                #expect(seconds >= 0 && seconds < 3600, "\(name)")
            }
            let redis =
                switch stand {
                case .newerThanLedger: lab.redis
                case .empty: try await RedisServerProcess.start(RedisServerOptions(listener: .unixSocket))
                }
            let moved = try lab.moved(database: restored, redis: redis)
            let result: Result<Void, any Error>
            do {
                try await moved.startServer()
                try await audit(moved, buyer, product, before)
                try await expectNothingIsTakenFor(lost, moved)
                try await sellOut(moved, product)
                try await moved.stopServer()
                let end = try await moved.reconcile(fix: false)
                #expect(end.status == .exited(0), "\(end.output)")
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await moved.killServer()
            if stand == .empty { await redis.stop() }
            try result.get()
        }
    }

    /// Takes a backup while eight buyers buy.
    ///
    /// - Returns: What was answered before the backup began, and where it is.
    private func underLoad(
        _ lab: CrashLab, _ buyer: ApiClient, _ product: Int
    ) async throws -> (before: [String: Int], backup: String) {
        let receipts = Receipts()
        let backup = lab.file("backup.sqlite")
        let isOver = Recorder<Bool>()
        let before = try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var count = 0
                    while isOver.values.isEmpty {
                        count += 1
                        let key = "buyer-\(number)-\(count)"
                        let answer = try await buyer.buy(
                            product, 1 + count % 3, headers: [.idempotencyKey: key])
                        if answer.status == 200 { receipts.note(key, answer.body["id"] as? Int ?? -1) }
                    }
                }
            }
            try await waitUntil { receipts.all.count >= 40 }
            let before = receipts.all
            let made = try await lab.command(["backup", backup, "--database", "sqlite:" + lab.database])
            #expect(made.status == .exited(0), "\(made.output)")
            let during = receipts.all.count
            try await waitUntil { receipts.all.count >= during + 20 }
            isOver.note(true)
            try await group.waitForAll()
            return before
        }
        return (before, backup)
    }

    /// What happens after the backup, and is lost with the ledger.
    private struct Lost {
        let product: Int
        let user: Int
        let token: String?
    }

    private func afterBackup(_ lab: CrashLab, _ product: Int) async throws -> Lost {
        let boss = try await lab.client.logIn("boss")
        let path = "/api/admin/products/\(product)/stock"
        #expect(try await boss.send(.post, path, #"{"delta":700,"reason":"delivery"}"#).status == 200)
        let eve = try await lab.client.signedIn("eve")
        let user = try await eve.send(.get, "/api/auth/me").body["id"] as? Int
        return Lost(
            product: try await eve.product(units: 9), user: try #require(user), token: eve.token)
    }

    private func restore(
        _ lab: CrashLab, _ backup: String, to path: String
    ) async throws -> [String: Any] {
        let ended = try await lab.command(["restore", backup, "--database", "sqlite:" + path, "--json"])
        #expect(ended.status == .exited(0), "\(ended.output)")
        let json = try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
        return try #require(json as? [String: Any])
    }

    /// The invariants, and each receipt, on the server that was just started.
    private func audit(
        _ lab: CrashLab, _ old: ApiClient, _ product: Int, _ before: [String: Int]
    ) async throws {
        let evidence = try await lab.evidence(product)
        #expect(evidence.supplied == 100_000, "the delivery came after the backup")
        #expect(evidence.isConserved && evidence.openUnits == 0, "\(evidence)")
        let rows = Dictionary(uniqueKeysWithValues: evidence.rows.map { ($0.key ?? "", Int($0.id)) })
        #expect(before.allSatisfy { rows[$0.key] == $0.value }, "acknowledged and missing")
        // Tokens of before the restore may have been ended since: all are.
        var former = lab.client
        former.token = old.token
        #expect(try await former.send(.get, "/api/auth/me").status == 401)
        let buyer = try await lab.client.logIn("ann")
        for (key, id) in before.prefix(5) {
            let count = Int(key.split(separator: "-").last ?? "") ?? 0
            let again = try await buyer.buy(product, 1 + count % 3, headers: [.idempotencyKey: key])
            #expect(again.status == 200 && again.body["id"] as? Int == id)
        }
        #expect(
            try await lab.evidence(product).rows.count == rows.count, "an answer was given again, not a sale")
    }

    private func expectNothingIsTakenFor(_ lost: Lost, _ lab: CrashLab) async throws {
        let bea = try await lab.client.signedIn("bea")
        let me = try await bea.send(.get, "/api/auth/me").body["id"] as? Int
        #expect(me != nil && me != lost.user)
        var eve = lab.client
        eve.token = lost.token
        #expect(
            try await eve.send(.get, "/api/auth/me").status == 401, "the token of a lost user is nobody's")
        let made = try await bea.send(
            .post, "/api/products", #"{"name":"new","price":1,"initial_stock":4}"#)
        #expect(made.status == 201, "\(made.text)")
        let product = try #require(made.body["id"] as? Int)
        #expect(product != lost.product)
        #expect(try await bea.stock(product) == 4)
    }

    /// Sells to the last unit, and not one more.
    private func sellOut(_ lab: CrashLab, _ product: Int) async throws {
        let buyer = try await lab.client.logIn("ann")
        let left = try #require(try await buyer.stock(product))
        #expect(try await buyer.buy(product, left).status == 200)
        let refused = try await buyer.buy(product)
        #expect(refused.status == 400 && refused.body["type"] as? String == "/problems/sold-out")
        // Its reservation is cleared behind the answer.
        try await waitUntil { try await lab.evidence(product).openUnits == 0 }
        let evidence = try await lab.evidence(product)
        #expect(evidence.sold == evidence.supplied && evidence.stock == 0 && evidence.isConserved)
    }

    @Test("A drill on the Redis of a server that goes on is refused there, and takes no unit from it")
    func besideTheLiving() async throws {
        try await CrashLab.run { lab async throws in
            try await lab.startServer()
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 20)
            #expect(try await buyer.buy(product).status == 200)
            let backup = lab.file("backup.sqlite")
            let database = ["--database", "sqlite:" + lab.database]
            #expect(try await lab.command(["backup", backup] + database).status == .exited(0))
            #expect(try await buyer.buy(product).status == 200)
            let path = lab.file("drill.sqlite")
            let restored = try await lab.command(
                ["restore", backup, "--drill", "--database", "sqlite:" + path])
            #expect(restored.status == .exited(0), "\(restored.output)")
            // By mistake on the same Redis: it is refused by name of the ledger that has it.
            let drill = try lab.moved(database: path, redis: lab.redis)
            let refused = try await drill.command([
                "serve", "--dev", "--bcrypt-cost", "4", "--port", "0", "--redis", lab.redis.url, "--database",
                "sqlite:" + path,
            ])
            #expect(refused.status == .exited(6), "\(refused.output)")
            #expect(refused.output.contains("it holds the stock of the ledger"), "\(refused.output)")
            #expect(try await buyer.buy(product).status == 200)
            try await lab.stopServer()
            let evidence = try await lab.evidence(product)
            #expect(evidence.isConserved && evidence.stock == 17 && evidence.openUnits == 0)
            let found = try await lab.reconcile(fix: false)
            #expect(found.status == .exited(0), "\(found.output)")
        }
    }

    @Test("A restore that is killed leaves the ledger of before, or nothing; the next one is whole")
    func killedRestore() async throws {
        try await CrashLab.run { lab async throws in
            try await lab.startServer()
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 50)
            #expect(try await buyer.buy(product, headers: [.idempotencyKey: "k"]).status == 200)
            let backup = lab.file("backup.sqlite")
            let database = ["--database", "sqlite:" + lab.database]
            #expect(try await lab.command(["backup", backup] + database).status == .exited(0))
            let busy = try await lab.command(["restore", backup, "--replace"] + database)
            #expect(busy.status == .exited(73) && busy.output.contains("another server"), "\(busy.output)")
            #expect(try await buyer.buy(product).status == 200)
            await lab.killServer()

            let old = try Data(contentsOf: URL(filePath: lab.database))
            let replace = ["restore", backup, "--replace"] + database
            let first = try await lab.command(replace, crashAt: "after-restore-copy")
            #expect(first.status == .signalled(SIGKILL))
            #expect(try Data(contentsOf: URL(filePath: lab.database)) == old)
            let second = try await lab.command(replace, crashAt: "after-restore-keep")
            #expect(second.status == .signalled(SIGKILL))
            #expect(!FileManager.default.fileExists(atPath: lab.database))
            #expect(!FileManager.default.fileExists(atPath: lab.database + "-wal"))
            // The one of before is whole under its other name: both sales, one of which was only in its log.
            let names = try FileManager.default.contentsOfDirectory(
                atPath: URL(filePath: lab.database).deletingLastPathComponent().path)
            let kept = try #require(names.first { $0.contains(".replaced-") && $0.hasSuffix("Z") })
            let before = try lab.moved(database: lab.file(kept), redis: lab.redis)
            #expect(try await before.evidence(product).rows.count == 2)

            let third = try await lab.command(["restore", backup] + database)
            #expect(third.status == .exited(0), "\(third.output)")
            for part in ["1 users, 1 products on sale, 1 purchases", "RPO: the backup is of ", "RTO: "] {
                #expect(third.output.contains(part), "\(third.output)")
            }
            try await lab.startServer()
            let audit = try await lab.evidence(product)
            #expect(audit.isConserved && audit.rows.map(\.key) == ["k"] && audit.stock == 49)
            try await lab.stopServer()
        }
    }
}
