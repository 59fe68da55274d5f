import GRDB
import LabTesting
import LockStrategies
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// What the disk holds when the power goes at any moment, found by cutting it at many.
@Suite struct PowerCutTests {
    /// Sells from many tasks and cuts the power at moments that `seed` chooses.
    ///
    /// - Returns: For each cut, how many sales were acknowledged before it and are gone.
    private func lostSales(
        _ settings: LedgerSettings, seed: UInt64, cuts: Int, tear: Bool
    ) async throws -> [Int] {
        print("power cuts with seed \(seed)")
        let random = RandomSource.seeded(seed)
        let lost = Recorder<Int>()
        try await FaultyDisk.run(settings) { lab async throws in
            // Checkpoints, where pages go from the log to the file, are to be cut too.
            try await lab.ledger.pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA wal_autocheckpoint = 25")
            }
            let acknowledged = Recorder<String>()
            let isOver = Gate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while !isOver.isOpen { acknowledged.note(try await lab.sell()) }
                    }
                }
                var moment = lab.disk.operations
                for _ in 0..<cuts {
                    moment += random.next() % 97
                    while lab.disk.operations < moment { await Task.yield() }
                    let before = Set(acknowledged.values)
                    let after = try lab.rowsAfterPowerCut(tear: tear ? random.next() : nil)
                    lost.note(before.subtracting(after).count)
                    moment = lab.disk.operations
                }
                isOver.open()
                try await group.waitForAll()
            }
            #expect(acknowledged.values.count >= cuts)
        }
        return lost.values
    }

    @Test(
        "Every sale that was acknowledged is there after a power cut, and the file is sound",
        arguments: [1, 2, 3], [false, true])
    func full(seed: UInt64, tear: Bool) async throws {
        let lost = try await lostSales(LedgerSettings(), seed: seed, cuts: 30, tear: tear)
        #expect(lost == Array(repeating: 0, count: 30))
    }

    @Test("With synchronous=NORMAL acknowledged sales are lost: the cut cuts")
    func normal() async throws {
        var settings = LedgerSettings()
        settings.durability = .normal
        // What a cut loses depends on the pace of the machine: one series of three has to lose something.
        var most = 0
        for seed in [4, 5, 6] as [UInt64] where most == 0 {
            most = try await lostSales(settings, seed: seed, cuts: 30, tear: false).max() ?? 0
        }
        #expect(most > 0)
    }

    @Test("A closed ledger has everything on the disk")
    func closed() async throws {
        try await FaultyDisk.run { lab async throws in
            var sold: Set<String> = []
            for _ in 0..<5 { sold.insert(try await lab.sell()) }
            await lab.ledger.close()
            #expect(try lab.rowsAfterPowerCut() == sold)
        }
    }
}
