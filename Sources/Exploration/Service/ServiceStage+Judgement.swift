import BenchAudit
import FaultAudit
import InventoryService
import LedgerModel
import LockStrategies
import RedisClient
import Simulation

extension ServiceStage {
    /// What the clients did and were told, and what ledger and stock hold in the end.
    var history: History {
        let ledger = ledger
        let product = SimulatedServer.product
        var ofOperation: [Int: Int] = [:]
        var strangers = 0
        for row in ledger.purchases {
            if let operation = row.key.flatMap({ notes.keys[$0.description] }) {
                ofOperation[operation, default: 0] += 1
            } else {
                strangers += 1
            }
        }
        let refused = ledger.refusals.values.flatMap(\.values).filter { $0.outcome == .oversellRefused }
        let account = ledger.stockAccount(product)
        let units = ledger.purchases.reduce(0) { $0 + $1.purchase.quantity }
        let stock = stock
        return History(
            initialStock: account?.supplied ?? 0, operations: notes.operations,
            end: History.End(
                read: world.now,
                stock: plan.strategy.traits.stockLayout == .ledger
                    ? account.map { $0.supplied - $0.sold } : stock?.units,
                open: stock?.reservations.values.reduce(0, +) ?? 0,
                rows: History.Rows(
                    ofOperation: ofOperation, strangers: strangers, units: units,
                    refused: refused.reduce(0) { $0 + $1.quantity })))
    }

    private var stock: StockReader.Stock? {
        let buckets = plan.strategy.traits.stockLayout.bucketCount
        return StockReader.stock(
            StockReader.commands(of: SimulatedServer.product.rawValue, buckets: buckets).map { command in
                (try? nodes[0].read(command)) ?? .null
            })
    }

    /// What must hold of the service, whatever a lock does. Answers need not come from one stock that serves
    /// one buyer after the other: "sold out" is right, too, while the last units are reserved by somebody who
    /// does not buy them in the end.
    func judge(_ history: History) -> Auditor.Report {
        var report = Auditor.judge(history)
        let isExact = plan.fault.leavesNothingToRefuse(plan.strategy)
        report.findings.removeAll { finding in
            switch finding.invariant {
            case .linearizable, .noUnitTwice, .noOverlap, .fencesRise: true
            case .nothingRefused: !isExact
            case .conservation, .neverBelowZero, .neverOversold, .oneRowEach: false
            }
        }
        report.verdict = report.findings.map(\.verdict).contains(.violated) ? .violated : .safe
        return report
    }

    func faults(_ end: World.End) -> [ScheduleFault] {
        guard end == .quiet else {
            return [.init(kind: .endless, sentence: "\(SchedulePlan.mostSteps) steps, and no end")]
        }
        var found = notes.faults
        func add(_ kind: ScheduleFault.Kind, _ sentence: String) {
            found.append(ScheduleFault(kind: kind, sentence: sentence))
        }
        if !notes.hasEnded { add(.lostWakeUp, "somebody waits, and nothing is left that could wake him") }
        if notes.sleepersAtEnd > 0 {
            add(.outlivesTheCall, "\(notes.sleepersAtEnd) tasks of the server sleep although it has ended")
        }
        let open = stock?.reservations.count ?? 0
        if open > 0 { add(.leftOpen, "\(open) reservations are open after the last comparison") }
        if let perUserLimit {
            var units: [UserID: Int] = [:]
            for row in ledger.purchases { units[row.purchase.user, default: 0] += row.purchase.quantity }
            for (user, bought) in units.sorted(by: { $0.key.rawValue < $1.key.rawValue })
            where bought > perUserLimit {
                add(.overLimit, "user \(user) bought \(bought) units of \(perUserLimit)")
            }
        }
        for node in nodes {
            if node.subscriptions > 0 {
                add(
                    .outlivesTheCall,
                    "\(node.subscriptions) subscriptions stand although the server has ended")
            }
            for key in node.keys where key.name.hasPrefix("lock:") && key.end == nil {
                add(.keyWithoutEnd, "\(key.name) has no time to live")
            }
        }
        return found
    }

    /// What a world begins with: made by the service's own code, in a world of its own.
    static func models(_ plan: SchedulePlan, knowing scripts: RedisModel, _ lua: LuaInterpreter) -> Models {
        let world = World(Chooser(following: []))
        defer { world.end() }
        let node = SimulatedNode(world, number: 0, lua: lua, model: scripts)
        let process = world.makeProcess()
        let ledger = ModelLedger(LedgerModel(random: .seeded(1)))
        let stock = StockStore(
            SimulatedRedis(of: process, to: node, over: Network(world)),
            layout: plan.strategy.traits.stockLayout)
        _ = process.start { [plan] in
            do {
                // The clients, then the administrator.
                for number in 0...(plan.processes * plan.buyers) {
                    _ = try await ledger.createUser(
                        NewUser(
                            username: "user-\(number)", email: nil,
                            passwordHash: PasswordHash(stored: "none"),
                            role: .user, createdAt: process.wallClock.now))
                }
                let products = ProductService(store: ledger, stock: stock, clock: process.wallClock)
                _ = try await products.create(
                    NewProduct(name: "ticket", price: 1, initialStock: plan.stock),
                    by: UserID(Int64(plan.processes * plan.buyers + 1)))
                _ = try await stock.claim(for: ledger.origin)
            } catch {
                preconditionFailure("the world cannot be furnished: \(error)")
            }
        }
        _ = world.run(mostSteps: SchedulePlan.mostSteps)
        return Models(stock: node.model, lockNode: scripts, ledger: ledger.snapshot)
    }
}
