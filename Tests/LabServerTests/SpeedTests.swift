import Foundation
import InventoryService
import LabProcesses
import LabServerKit
import LockStrategies
import Testing

/// The options of `./lab speed` and `./lab check --cost`, and what the table says of figures.
@Suite("The measuring of speed", .timeLimit(.minutes(2)))
struct SpeedTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL.path

    private struct Ended {
        let status: LabProcesses.ExitStatus?
        let lines: [String]
    }

    private func run(_ script: String, _ options: [String]) async throws -> Ended {
        let child = try await ChildProcess.start(
            "/usr/bin/env", ["python3", "-B", Self.root + "/Tests/" + script] + options,
            environment: ProcessInfo.processInfo.environment)
        let status = await child.waitUntilExit()
        return Ended(status: status, lines: child.lines())
    }

    @Test("takes ratios within a round, marks what is missed, names what is skipped, audits what was sold")
    func table() async throws {
        let ended = try await run("speed/table_test.py", [])
        #expect(ended.status == .exited(0), "\(ended.lines)")
        #expect(ended.lines.last == "OK")
    }

    @Test("the model of several servers answers cases whose answers are known")
    func model() async throws {
        let ended = try await run("scaling/model_test.py", [])
        #expect(ended.status == .exited(0) && ended.lines.last == "OK", "\(ended.lines)")
    }

    @Test(
        "refuses with one sentence what it cannot use",
        arguments: [
            ("speed/run.py", "--rows lua-atomic-http,nonsense", "there is no row 'nonsense'"),
            ("speed/run.py", "--rounds 0", "'0' is no whole number from 1 to 1000"),
            ("speed/run.py", "--seconds", "expected one argument"),
            ("speed/run.py", "--against /nowhere", "/nowhere has no program ledger-bench"),
            ("speed/run.py", "--round 1", "unrecognized arguments: --round"),
            ("cost/run.py", "--writes", "unrecognized arguments: --writes"),
            ("scaling/run.py", "--rounds none", "'none' is no whole number from 1 to 1000"),
            ("scaling/run.py", "--second 1", "unrecognized arguments: --second"),
        ])
    func refusals(script: String, options: String, sentence: String) async throws {
        let ended = try await run(script, options.split(separator: " ").map(String.init))
        #expect(ended.status == .exited(64))
        #expect(ended.lines.count == 1 && ended.lines.first?.contains(sentence) == true, "\(ended.lines)")
    }

    @Test("counts the whole body of an answer")
    func body() {
        let purchase = Purchase(
            id: PurchaseID(7), user: UserID(2), product: ProductID(1), quantity: 3, totalPrice: 900,
            purchasedAt: Timestamp(microseconds: 0))
        let text =
            #"{"id":7,"product_id":1,"quantity":3,"total_price":900,"purchased_at":"1970-01-01T00:00:00.000000Z"}"#
        #expect(PurchaseTextCost.bytes(of: purchase) == text.utf8.count)
    }

    @Test("lists its rows in its help")
    func help() async throws {
        let ended = try await run("speed/run.py", ["--help"])
        #expect(ended.status == .exited(0))
        #expect(ended.lines.contains { $0.contains("  setnx-notify-strategy  setnx-notify, strategy mode") })
    }
}
