import Foundation
import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import Testing

@testable import LabServerKit

@Suite("The server dies at a named point")
struct CrashPointTests {
    private func buy(_ client: ApiClient, _ product: Int, key: String) async -> Int? {
        try? await client.buy(product, 2, headers: [.idempotencyKey: key]).status
    }

    @Test(
        "40 · between the decrement and the row, between the row and the clearing, after it: the next start restores conservation, and the same key gives one purchase",
        arguments: [CrashPoint.afterReserve, .afterRecord, .afterClear])
    func duringPurchase(point: CrashPoint) async throws {
        try await CrashLab.run { lab async throws in
            #expect(try await lab.startServer(crashAt: "\(point.rawValue):3"))
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 20)
            var answered: [String] = []
            for number in 1...3 {
                if await buy(buyer, product, key: "k\(number)") == 200 { answered.append("k\(number)") }
                // Reservations are cleared behind the answers.
                if number < 3 { try await waitUntil { try await lab.evidence(product).openUnits == 0 } }
            }
            // At the last point the third may be answered already.
            #expect(answered == ["k1", "k2"] || point == .afterClear && answered.count == 3)
            #expect(await lab.died())
            let left = try await lab.evidence(product)
            #expect(left.isConserved == (point != .afterRecord), "a recorded sale is still reserved, too")
            #expect(left.openUnits == (point == .afterClear ? 0 : 2))
            #expect(try await lab.startServer())
            let restored = try await lab.evidence(product)
            #expect(restored.isConserved && restored.openUnits == 0)
            for number in 1...3 { #expect(await buy(buyer, product, key: "k\(number)") == 200) }
            try await lab.stopServer()
            let audit = try await lab.evidence(product)
            #expect(audit.isConserved && audit.openUnits == 0)
            #expect(audit.rows.count == 3 && Set(audit.rows.map(\.key)).count == 3)
            let report = try await lab.reconcile(fix: false)
            #expect(report.status == .exited(0), "\(report.output)")
        }
    }

    @Test(
        "40 · during reconciliation: between the ledger's mark and the return, and once more; then all is back"
    )
    func duringReconciliation() async throws {
        try await CrashLab.run { lab async throws in
            #expect(try await lab.startServer(crashAt: "after-reserve:1"))
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 20)
            _ = await buy(buyer, product, key: "k")
            #expect(await lab.died())
            for _ in 0..<2 {
                #expect(try await lab.startServer(crashAt: "after-end") == false)
                #expect(try await lab.evidence(product).openUnits == 2)
            }
            let found = try await lab.reconcile(fix: false)
            #expect(found.status == .exited(1))
            #expect(found.output.contains("1 reservations that nobody will finish"), "\(found.output)")
            let fixed = try await lab.reconcile(fix: true)
            #expect(fixed.status == .exited(0), "\(fixed.output)")
            #expect(try await lab.startServer())
            let audit = try await lab.evidence(product)
            #expect(audit.isConserved && audit.stock == 20 && audit.openUnits == 0)
            // A running server reconciles by itself; nobody else may.
            let refused = try await lab.reconcile(fix: true)
            #expect(refused.status == .exited(73))
            #expect(refused.output.contains("POST /api/admin/reconcile"))
        }
    }

    @Test("After the ledger has begun a filling and before Redis has it: the next start fills")
    func duringFilling() async throws {
        try await CrashLab.run(persistence: .none) { lab async throws in
            #expect(try await lab.startServer())
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 20)
            #expect(await buy(buyer, product, key: "k1") == 200)
            await lab.killServer()
            await lab.redis.kill()
            try await lab.redis.restart()
            #expect(try await lab.startServer(crashAt: "after-begin-filling") == false)
            #expect(try await lab.startServer())
            #expect(await buy(buyer, product, key: "k2") == 200)
            // Its reservation is cleared behind the answer.
            try await waitUntil { try await lab.evidence(product).openUnits == 0 }
            let audit = try await lab.evidence(product)
            #expect(audit.isConserved && audit.stock == 16 && audit.rows.count == 2)
        }
    }

    @Test(
        "Units that come: between the ledger and Redis, between Redis and the stock; the next start brings them on sale, once",
        arguments: [CrashPoint.afterSupply, .afterOffer])
    func duringSupply(point: CrashPoint) async throws {
        try await CrashLab.run { lab async throws in
            try await lab.makeAdministrator("boss")
            #expect(try await lab.startServer(crashAt: "\(point.rawValue):2"))
            let buyer = try await lab.client.signedIn()
            let product = try await buyer.product(units: 20)
            let admin = try await lab.client.logIn("boss")
            let path = "/api/admin/products/\(product)/stock"
            let first = try await admin.send(.post, path, #"{"delta":5,"reason":"delivery"}"#)
            #expect(first.status == 200)
            let second = try? await admin.send(.post, path, #"{"delta":7,"reason":"delivery"}"#)
            #expect(second == nil)
            #expect(await lab.died())
            let left = try await lab.evidence(product)
            #expect(left.supplied == 32 && left.stock == 25)
            #expect(left.openUnits == (point == .afterOffer ? 7 : 0))
            #expect(try await lab.startServer())
            let restored = try await lab.evidence(product)
            #expect(restored.isConserved && restored.stock == 32 && restored.openUnits == 0)
            #expect(await buy(buyer, product, key: "k") == 200)
            try await lab.stopServer()
            let audit = try await lab.evidence(product)
            #expect(audit.isConserved && audit.supplied == 32 && audit.stock == 30)
        }
    }

    @Test("A crash point that does not exist is refused with the names of those that do")
    func unknownPoint() async throws {
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_CRASH_AT"] = "sometimes"
        environment["LAB_JWT_SECRET"] = "b52f0d9ce8a14737a6f1c2d85e90b3746a1f"
        let test = try #require(Executable.current())
        let program = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent(
            "lab-server")
        let child = try await ChildProcess.start(program.path, ["--dev"], environment: environment)
        #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(64))
        #expect(child.lines(of: .standardError).first?.contains("after-reserve, after-record") == true)
    }
}
