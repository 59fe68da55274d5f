import FaultAudit
import FaultInjection
import Foundation
import GRDB
import LabProcesses
import LockStrategies
import RedisClient
import Testing

@testable import FaultLab

/// Each invariant is seen red in a real run: by a strategy that breaks it, or by a fault that nobody asked
/// for.
@Suite("The auditor, in real runs with a planted fault", .serialized, .timeLimit(.minutes(8)))
struct PlantedFaultTests {
    private func violated(
        _ strategy: StrategyEntry, _ fault: Fault = .none, stock: Int = 1_000_000,
        planted: @escaping @Sendable (RedisClient) async throws -> Void = { _ in }
    ) async throws -> [Auditor.Invariant] {
        let one = StrategyTry(
            strategy: strategy, fault: fault, chance: 3, program: try CellTests.programs().bench,
            stock: stock, planted: planted)
        let report = Auditor.judge(try await one.run().history)
        #expect(report.verdict == .violated)
        return report.findings.filter { $0.verdict == .violated }.map(\.invariant)
    }

    @Test("sees units that are lost, more sold than there were, and answers that no order explains")
    func oversold() async throws {
        let found = try await violated(.unguarded, stock: 300)
        #expect(found.contains(.conservation) && found.contains(.neverOversold), "\(found)")
        #expect(found.contains(.linearizable), "\(found)")
    }

    @Test("sees a stock below zero")
    func belowZero() async throws {
        let found = try await violated(.luaAtomic) { client in
            _ = try await client.send(RedisCommand("SET", "stock:{1}", "-5"))
        }
        #expect(found.contains(.neverBelowZero), "\(found)")
    }

    @Test("sees two holders at once when somebody removes the lock")
    func overlap() async throws {
        let found = try await violated(.setnxSpin) { client in
            for _ in 0..<400 {
                _ = try await client.send(RedisCommand("DEL", "lock:stock:{1}"))
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        #expect(found.contains(.noOverlap), "\(found)")
    }

    @Test("sees fences that begin anew")
    func fences() async throws {
        let found = try await violated(.fenced) { client in
            _ = try await client.send(RedisCommand("DEL", "fence:{1}"))
        }
        #expect(found.contains(.fencesRise), "\(found)")
    }

    private func service(
        _ strategy: StrategyEntry, _ fault: Fault, isDiskLying: Bool = false,
        planted: @escaping @Sendable (String) throws -> Void = { _ in }
    ) async throws -> Auditor.Report {
        let one = ServiceTry(
            strategy: strategy, fault: fault, chance: 3, program: try CellTests.programs().server,
            isDiskLying: isDiskLying, planted: planted)
        return Auditor.judge(try await one.run().history)
    }

    @Test("sees acknowledged purchases that a disk lost which says that it synced")
    func lyingDisk() async throws {
        let honest = try await service(.luaAtomic, .powerCut)
        #expect(honest.verdict == .safe, "\(honest.findings.map(\.sentence))")
        let lying = try await service(.luaAtomic, .powerCut, isDiskLying: true)
        let wrong = lying.findings.filter { $0.verdict == .violated }.map(\.invariant)
        #expect(wrong.contains(.oneRowEach), "\(lying.findings.map(\.sentence))")
    }

    @Test("sees a row that is missing in the ledger, and one that is there twice")
    func rows() async throws {
        let missing = try await service(.luaAtomic, .none) { database in
            try DatabaseQueue(path: database).write {
                try $0.execute(sql: "DELETE FROM purchases WHERE id = (SELECT max(id) FROM purchases)")
            }
        }
        let found = missing.findings.filter { $0.verdict == .violated }.map(\.invariant)
        #expect(found.contains(.oneRowEach) && found.contains(.conservation), "\(found)")
        let stranger = try await service(.luaAtomic, .none) { database in
            try DatabaseQueue(path: database).write {
                try $0.execute(
                    sql: """
                        INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, \
                        purchased_at) SELECT user_id, product_id, 1, 1, 'stranger', strategy, purchased_at FROM purchases \
                        LIMIT 1
                        """)
            }
        }
        #expect(stranger.findings.first { $0.invariant == .oneRowEach }?.verdict == .violated)
    }

    @Test(
        "sees a row that is missing in the ledger of two servers on PostgreSQL",
        .enabled(if: PostgresServerProcess.programs() != nil, "\(PostgresServerProcess.absence)"))
    func rowsOnPostgres() async throws {
        let one = ServiceTry(
            strategy: .luaAtomic, fault: .none, chance: 3, program: try CellTests.programs().server,
            servers: 2,
            plantedStatement: "DELETE FROM purchases WHERE id = (SELECT max(id) FROM purchases)")
        let report = Auditor.judge(try await one.run().history)
        let found = report.findings.filter { $0.verdict == .violated }.map(\.invariant)
        #expect(found.contains(.oneRowEach) && found.contains(.conservation), "\(found)")
    }

    @Test("sees sales that the ledger had to refuse")
    func refusals() async throws {
        let report = try await service(.unguarded, .none)
        #expect(report.findings.first { $0.invariant == .nothingRefused }?.verdict == .violated)
    }
}
