import BenchAudit
import BenchModel
import BenchRun
import FaultAudit
import FaultInjection
import Foundation
import LabProcesses
import LockStrategies
import Synchronization

/// One try at the level of the service: one `lab-server` with its ledger, or several on one PostgreSQL,
/// bought from over HTTP with idempotency keys. A buyer asks again with the same key until he knows what
/// became of his purchase.
struct ServiceTry: Sendable {
    let strategy: StrategyEntry
    let fault: Fault
    /// Decides when and whom the fault strikes.
    let chance: UInt64
    /// `lab-server`.
    let program: String
    var servers = 1
    /// The disk says that it synced, and did not: a fault that nobody asked for, for the auditor's tests.
    var isDiskLying = false
    /// Done to the ledger of several servers after they have ended, for the auditor's tests.
    var plantedStatement: String?
    /// Done to the files of the server after it has ended, for the auditor's tests.
    var planted: @Sendable (_ database: String) throws -> Void = { _ in }

    static let buyers = 20
    static let users = 4
    /// Of the server's locks; it cannot be set.
    static let lease = Duration.seconds(10)
    static let before: ClosedRange<Int> = 600...900
    static let after = Duration.milliseconds(1_200)
    /// How long a buyer goes on asking after the shop has closed.
    static let patience = Duration.seconds(8)
    /// From the end of the load until stock and ledger agree.
    static let quiet = Duration.seconds(15)
    /// The units of a dead server are nobody's for ten seconds.
    static let quietOfSeveral = Duration.seconds(30)
    /// How long the load goes on after the fault at most, until half as much is sold again as before.
    static let longestAfter = Duration.seconds(15)

    /// More than is sold in the longest try.
    private var stock: Int { servers > 1 ? 500_000 : 100_000 }
    private var length: Duration { servers > 1 ? .seconds(5) : .milliseconds(900) }

    func run() async throws -> TryRecord {
        let folder = try TemporaryDirectory(prefix: "lab-fault")
        defer { folder.remove() }
        let postgres = servers > 1 ? try await TrialPostgres.start(servers: servers) : nil
        do {
            let record = try await run(folder.path, postgres)
            await postgres?.stop()
            return record
        } catch {
            await postgres?.stop()
            throw error
        }
    }

    private func run(_ folder: String, _ postgres: TrialPostgres?) async throws -> TryRecord {
        let stage = try await FaultStage.open(
            fault, needsNodes: strategy.needsLockNodes, postgres: postgres?.server)
        let group = FaultedServers(
            servers, program: program, strategy: strategy, stage: stage, folder: folder, postgres: postgres)
        do {
            let needsDisk = fault == .powerCut || fault == .diskFull
            let disk = needsDisk ? try await group.useDisk() : nil
            try await group.start()
            let record = try await load(stage, group, disk)
            await group.end()
            await stage.close()
            return record
        } catch {
            await group.end()
            await stage.close()
            throw error
        }
    }

    private func load(
        _ stage: FaultStage, _ group: FaultedServers, _ disk: DiskShim?
    ) async throws -> TryRecord {
        let shop = try await group.openShop(users: Self.users, stock: stock)
        let notes = PurchaseNotes()
        let door = ShopDoor()
        let buying = Task {
            await withTaskGroup(of: Void.self) { tasks in
                for number in 0..<Self.buyers {
                    let buyer = ServiceBuyer(
                        number: number, shop: shop, servers: group, notes: notes, door: door)
                    tasks.addTask { await buyer.run() }
                }
            }
        }
        let begun = MachineClock.now
        if isDiskLying { try disk?.lie() }
        let times: (struck: Int64, healed: Int64)
        do {
            times = try await strike(stage, group)
            try await Task.sleep(for: Self.after)
            if servers > 1 {
                try await waitForSales(notes, rate: notes.rate(from: begun, until: times.struck))
            }
        } catch {
            // Nobody asks on who belongs to this try.
            buying.cancel()
            await buying.value
            throw error
        }
        let closed = MachineClock.now
        door.close(patience: Self.patience)
        await buying.value
        try Task.checkCancellation()
        let last = ShopDoor()
        last.close(patience: Self.patience)
        try await ServiceBuyer(number: Self.buyers, shop: shop, servers: group, notes: notes, door: last)
            .buyAll()
        // The server compares stock and ledger at its start and when it has to: so what a strategy gave out
        // twice was still there to be bought.
        try await group.stop()
        try await group.start()
        let end = try await end(stage, group, shop, notes)
        return TryRecord(
            history: History(initialStock: stock, operations: notes.operations, end: end), begun: begun,
            struck: times.struck, healed: times.healed, closed: closed)
    }

    private func strike(
        _ stage: FaultStage, _ group: FaultedServers
    ) async throws -> (struck: Int64, healed: Int64) {
        var random = SplitMix64(seed: chance)
        try await Task.sleep(for: .milliseconds(Int.random(in: Self.before, using: &random)))
        let struck = MachineClock.now
        try await stage.strike(
            group.struck, FaultTiming(lasts: length, lease: Self.lease, stop: length),
            random: &random)
        return (struck, MachineClock.now)
    }

    /// Until half as much is sold in a second as before the fault.
    private func waitForSales(_ notes: PurchaseNotes, rate: Double) async throws {
        let end = ContinuousClock.now + Self.longestAfter
        while ContinuousClock.now < end {
            let now = MachineClock.now
            if notes.rate(from: now - 1_000_000_000, until: now) >= rate / 2 { return }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Waits until stock and ledger agree, ends the server, and reads both.
    private func end(
        _ stage: FaultStage, _ group: FaultedServers, _ shop: FaultedServers.Shop, _ notes: PurchaseNotes
    ) async throws -> History.End {
        let quiet = servers > 1 ? Self.quietOfSeveral : Self.quiet
        let patience = ContinuousClock.now + quiet
        while ContinuousClock.now < patience {
            let end = await read(stage, group, shop, notes)
            if let stock = end.stock, end.open == 0, self.stock - stock == end.rows?.units { break }
            try await Task.sleep(for: .milliseconds(250))
        }
        try await group.stop()
        try planted(group.database)
        if let plantedStatement { try await group.change(plantedStatement) }
        let end = await read(stage, group, shop, notes)
        // Without its rows nothing can be said of an acknowledged purchase.
        guard end.rows != nil else {
            throw LabProcessError(.noResource, "the ledger could not be read after the fault")
        }
        guard end.open == 0 else {
            throw LabProcessError(
                .notReady, "\(end.open) units were still reserved \(quiet) after the load")
        }
        return end
    }

    private func read(
        _ stage: FaultStage, _ group: FaultedServers, _ shop: FaultedServers.Shop, _ notes: PurchaseNotes
    ) async -> History.End {
        let read = MachineClock.now
        let rows = await group.rows(product: shop.product)
        let own = rows.map { counted($0, notes) }
        let layout = strategy.traits.stockLayout
        guard layout.bucketCount > 0 else {
            // There is no stock but the one that the ledger's sums imply.
            return History.End(read: read, stock: rows.map { $0.supplied - $0.sold }, rows: own)
        }
        let reading = await StockReader.read(
            stage.stockEndpoint, products: [shop.product], buckets: layout.bucketCount)
        let stock = reading?.stocks.first
        return History.End(
            read: read, stock: stock?.units, open: stock?.reservations.values.reduce(0, +) ?? 0,
            rows: own)
    }
}

extension ServiceTry {
    /// A row of another quantity than was asked for is nobody's.
    private func counted(_ rows: LedgerRows, _ notes: PurchaseNotes) -> History.Rows {
        let (keys, operations) = (notes.keys, notes.operations)
        var own: [Int: Int] = [:]
        var strangers = rows.withoutKey
        for (key, quantities) in rows.ofKey {
            guard let id = keys[key] else {
                strangers += quantities.count
                continue
            }
            let right = quantities.count { $0 == operations[id].units }
            if right > 0 { own[id] = right }
            strangers += quantities.count - right
        }
        return History.Rows(
            ofOperation: own, strangers: strangers, units: rows.units, refused: rows.refused)
    }
}

/// Whether buyers still begin purchases.
final class ShopDoor: Sendable {
    private let closed = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter patience: So long buyers go on asking what became of what they began.
    func close(patience: Duration) { closed.withLock { $0 = .now + patience } }

    var isOpen: Bool { closed.withLock { $0 == nil } }
    /// Nobody asks any more.
    var isOver: Bool { closed.withLock { $0.map { ContinuousClock.now > $0 } ?? false } }
}
