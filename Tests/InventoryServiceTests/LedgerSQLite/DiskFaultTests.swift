import GRDB
import LabTesting
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// A disk that is full, fails or is slow under a ledger that serves.
@Suite struct DiskFaultTests {
    @Test("On a full disk sales are refused as such, nothing of them stays, and with space all goes on")
    func full() async throws {
        try await FaultyDisk.run { lab async throws in
            var sold: Set<String> = [try await lab.sell()]
            lab.disk.setSpace(lab.disk.used)
            // The log may have old space to write over: sell until it has not.
            var refused: InventoryError.Code?
            while refused == nil {
                do throws(InventoryError) {
                    sold.insert(try await lab.sell())
                } catch {
                    refused = error.code
                }
            }
            #expect(refused == .ledgerFull)
            #expect(try await code { _ = try await lab.sell() } == .ledgerFull)
            #expect(try await lab.rows() == sold)
            #expect(try await lab.ledger.product(lab.product)?.sold == sold.count)
            lab.disk.setSpace(nil)
            sold.insert(try await lab.sell())
            #expect(try await lab.rows() == sold)
            #expect(try lab.rowsAfterPowerCut() == sold)
        }
    }

    @Test(
        "A sale under a failed fsync is refused for good: no later sale, restart or power cut brings it back")
    func failedSync() async throws {
        try await FaultyDisk.run { lab async throws in
            var sold: Set<String> = [try await lab.sell()]
            for round in 1...3 {
                lab.disk.failSyncs(1)
                #expect(try await code { _ = try await lab.sell() } == .ledgerUnavailable)
                // Opened anew before the refusal was said.
                #expect(lab.ledger.load.reopened == round)
                #expect(try await lab.rows() == sold)
                #expect(try lab.rowsAfterPowerCut() == sold)
                #expect(try lab.rowsAfterCrash() == sold)
                sold.insert(try await lab.sell())
                // What was acknowledged afterwards does not rest on what the failed fsync left out.
                #expect(try lab.rowsAfterPowerCut() == sold)
            }
            try await lab.ledger.check()
            // What a new process would find, with the log as the kernel has it.
            await lab.ledger.close()
            let again = try await SQLiteLedger.open(path: lab.path)
            let rows = try await again.pool.read { try FaultyDisk.rows($0) }
            await again.close()
            #expect(rows == sold)
        }
    }

    @Test(
        "While every fsync fails, only the first sale is unknown; the others are refused, and then all goes on"
    )
    func failingDisk() async throws {
        try await FaultyDisk.run { lab async throws in
            var sold: Set<String> = [try await lab.sell()]
            lab.disk.failSyncs(nil)
            #expect(try await code { _ = try await lab.sell() } == .recordUnknown)
            #expect(lab.ledger.load.isBroken)
            // Unknown in truth: the death of the process would leave it, a power cut would not.
            #expect(try lab.rowsAfterCrash().count == sold.count + 1)
            #expect(try lab.rowsAfterPowerCut() == sold)
            for _ in 0..<3 {
                #expect(try await code { _ = try await lab.sell() } == .ledgerUnavailable)
            }
            #expect(lab.ledger.load.reopened == 0)
            lab.disk.failSyncs(0)
            sold.insert(try await lab.sell())
            #expect(!lab.ledger.load.isBroken)
            // The new connections have overwritten the unknown one, so it did not happen.
            #expect(try await lab.rows() == sold)
            #expect(try lab.rowsAfterPowerCut() == sold)
        }
    }

    @Test(
        "Under a slow fsync the queue is bounded: who finds it full is refused at once, who waits is sold to")
    func slowSync() async throws {
        let settings = LedgerSettings(batch: 4, queue: 8, patience: .seconds(60))
        try await FaultyDisk.run(settings) { lab async throws in
            lab.disk.setSyncDelay(milliseconds: 200)
            let outcomes = await withTaskGroup(of: InventoryError.Code?.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        do throws(InventoryError) {
                            _ = try await lab.sell()
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let refused = outcomes.filter { $0 == .ledgerOverloaded }.count
            #expect(refused > 0)
            #expect(refused == lab.ledger.load.refused)
            #expect(outcomes.filter { $0 == nil }.count == 40 - refused)
            #expect(try await lab.rows().count == 40 - refused)
        }
    }

    @Test("Under an fsync that outlasts the patience, who waits is refused, and never sold to afterwards")
    func slowerThanPatience() async throws {
        let settings = LedgerSettings(patience: .seconds(3))
        try await FaultyDisk.run(settings) { lab async throws in
            lab.disk.setSyncDelay(milliseconds: 600_000)
            let begun = lab.ledger.load.transactions
            async let first = lab.sell()
            while lab.ledger.load.transactions == begun { await Task.yield() }
            let late = try await code { _ = try await lab.sell() }
            #expect(late == .ledgerOverloaded)
            lab.disk.setSyncDelay(milliseconds: 0)
            let sold = try await first
            #expect(try await lab.rows() == [sold])
        }
    }
}
