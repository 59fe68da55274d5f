import GRDB
import LabProcesses
import LockStrategies
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct LedgerAuditTests {
    private func findings(_ path: String) async throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        let found = try await queue.read { try LedgerAudit.contradictions(in: $0) }
        try queue.close()
        return found
    }

    @Test("Sound books have no contradiction, and their file is inspected as sound")
    func sound() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-audit")
        let path = directory.file("l.sqlite")
        try await SmallLedger.make(at: path)
        #expect(try await findings(path).isEmpty)
        let inspection = await LedgerInspection.of(path: path)
        #expect(inspection.contradictions.isEmpty && inspection.schema == .current)
        directory.remove()
    }

    @Test(
        "Each contradiction that is planted is named",
        arguments: [
            (
                "UPDATE products SET supplied = 2; UPDATE stock_movements SET delta = 2",
                ["product 1: 3 units sold of 2"]
            ),
            ("UPDATE products SET sold = 2", ["product 1: 2 units sold, and purchases of 3"]),
            (
                "DELETE FROM purchases WHERE idempotency_key = 'k2'",
                ["product 1: 3 units sold, and purchases of 2"]
            ),
            ("UPDATE products SET supplied = 11", ["product 1: 11 units supplied, and movements of 10"]),
            (
                "DROP INDEX purchases_by_idempotency_key; UPDATE purchases SET idempotency_key = 'k1' WHERE id = 2",
                ["user 1: 2 purchases under one idempotency key"]
            ),
            (
                "INSERT INTO refused_purchases VALUES (1, 'k3', 1, 1, 'sold-out', '')",
                ["purchase 3: its user was told under the same key that it was refused"]
            ),
            (
                "INSERT INTO ended_reservations SELECT reservation_id, '' FROM purchases WHERE id = 1",
                ["purchase 1: its reservation had ended without a sale"]
            ),
        ])
    func planted(change: String, expected: [String]) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-audit")
        let path = directory.file("l.sqlite")
        try await SmallLedger.make(at: path)
        try await SmallLedger.change(path, change)
        #expect(try await findings(path) == expected)
        #expect(await LedgerInspection.of(path: path).contradictions == expected)
        directory.remove()
    }
}
