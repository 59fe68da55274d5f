public import LockStrategies
public import Logging
public import RedisClient

/// Brings Redis back to what the ledger says: finishes or returns every reservation that a crash left open,
/// fills stocks that Redis lost, removes those of deleted products.
///
/// Each step is atomic and can be repeated, so it may run at any time, twice, or in two places at once,
/// beside sales. A reservation that this process is working on is left alone, and so is one of another
/// server that lives (``ServerCompany``); of all others the process that made them is dead. Of several
/// servers one compares at a time, each product or each 64 of them in a turn (``ReconcileTurn``); each
/// server does so for itself, to see which Redis it may trust and what it left open. Before units go back
/// the ledger marks the reservation as ended, so a late row of it is refused; Redis keeps such a mark too,
/// so a late decrement is refused. Cost: one round trip a product and bucket, three reads of the ledger, and
/// two to four more where servers share it; at the first look of a process at a product one more for each
/// thousand of its open reservations.
public struct Reconciler<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>: Sendable {
    private let strategy: Strategy
    private let store: Store
    private let stock: StockStore<Redis>
    private let gate: SalesGate
    private let servers: Servers
    private let patience: Duration
    private let clock: WallClock
    private let now: @Sendable () -> ContinuousClock.Instant
    private let crashPoints: CrashPoints
    private let sleep: ReconcileLoop.Sleep
    private let onReport: @Sendable (ReconcileReport) -> Void
    private let logger: Logger
    private let sweep = MarkSweep()

    /// How long the ledger remembers what did not become a sale. Whoever repeats a refused purchase under its
    /// key later is served anew.
    private static var memory: Duration { .seconds(24 * 3600) }

    /// Meets the Redis servers that hold the stock now, and names their runs.
    public typealias Servers = @Sendable () async throws(RedisError) -> Set<String>

    /// - Parameters:
    ///   - gate: The same as that of the purchases.
    ///   - patience: How long a return waits for the lock.
    ///   - clock: What an ended reservation is dated by.
    ///   - now: What deadlines are counted by; the strategy has the same.
    ///   - sleep: Waits while another server has the turn.
    ///   - onReport: Called with the report of every run, for metrics.
    public init(
        strategy: Strategy, store: Store, stock: StockStore<Redis>, gate: SalesGate,
        servers: @escaping Servers, patience: Duration = .seconds(5),
        clock: WallClock = .system, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping ReconcileLoop.Sleep = { try await Task.sleep(for: $0) },
        crashPoints: CrashPoints = .none,
        onReport: @escaping @Sendable (ReconcileReport) -> Void = { _ in }, logger: Logger
    ) {
        self.strategy = strategy
        self.store = store
        self.stock = stock
        self.gate = gate
        self.servers = servers
        self.patience = patience
        self.clock = clock
        self.now = now
        self.sleep = sleep
        self.crashPoints = crashPoints
        self.onReport = onReport
        self.logger = logger
    }

    /// Looks at every product and puts right what is wrong.
    ///
    /// - Parameter isDryRun: Reports only; nothing is changed and no server is trusted.
    /// - Throws: ``InventoryError`` when the ledger or Redis cannot be asked at all. What fails at one
    ///   product stands in its entry.
    public func run(isDryRun: Bool = false) async throws(InventoryError) -> ReconcileReport {
        var report = ReconcileReport(isDryRun: isDryRun)
        guard stock.layout != .ledger else {
            try await forget(isDryRun)
            return report
        }
        try await checkOwner(isDryRun)
        report.distrusted = try await lookAtServers(isDryRun)
        var last: ProductID?
        while true {
            let accounts = try await store.stockAccounts(after: last, limit: 64)
            guard let next = accounts.last?.product else { break }
            last = next
            let entries = try await inTurn(isDryRun) { turn in await reconcile(accounts, isDryRun, turn) }
            report.entries += entries.filter(\.hasFindings)
            report.products += accounts.count
        }
        try await forget(isDryRun)
        log(report)
        return report
    }

    private func forget(_ isDryRun: Bool) async throws(InventoryError) {
        if !isDryRun { try await store.forgetEnded(before: clock.now.advanced(by: Self.memory * -1)) }
    }

    /// Puts one product right.
    public func run(_ product: ProductID) async throws(InventoryError) -> ReconcileReport {
        var report = ReconcileReport(isDryRun: false)
        guard stock.layout != .ledger, let account = try await store.stockAccount(product) else {
            return report
        }
        try await checkOwner(false)
        report.distrusted = try await lookAtServers(false)
        report.products = 1
        let entries = try await inTurn(false) { turn in await reconcile([account], false, turn) }
        report.entries = entries.filter(\.hasFindings)
        log(report)
        return report
    }

    /// Opens the gate for the servers that are there now, after making void what was reserved before if they
    /// are not those that the ledger knows.
    ///
    /// - Returns: Whether they are not.
    private func lookAtServers(_ isDryRun: Bool) async throws(InventoryError) -> Bool {
        // Meeting them makes the connections by which they are known; until nothing new is met.
        var standing = gate.standing()
        var now = try await meet()
        while gate.standing().generation != standing.generation {
            standing = gate.standing()
            now = try await meet()
        }
        if standing.trusted == standing.generation { return false }
        let (runs, trusted) = (now, standing.trusted == nil ? [] : gate.trustedRuns)
        return try await inTurn(isDryRun) { turn throws(InventoryError) in
            let known = try await store.stockServers()
            // When the ledger knows one that this process does not, another server has distrusted it before.
            let isKnown = runs.isSubset(of: known) && !runs.isSubset(of: trusted)
            if isDryRun { return !isKnown }
            try await store.noteStockServers(runs, distrust: !isKnown, in: turn)
            gate.trust(standing.generation, runs)
            return !isKnown
        }
    }

    /// Waits for the turn of this server where it is not alone, and lets the next one have it afterwards.
    private func inTurn<Value: Sendable>(
        _ isDryRun: Bool, _ body: (ReconcileTurn?) async throws(InventoryError) -> Value
    ) async throws(InventoryError) -> Value {
        guard !isDryRun, let company = store.company else { return try await body(nil) }
        let turn = try await turn(of: company)
        let result: Result<Value, InventoryError>
        do throws(InventoryError) {
            result = .success(try await body(turn))
        } catch {
            result = .failure(error)
        }
        await company.endTurn(turn)
        return try result.get()
    }

    private func turn(of company: any ServerCompany) async throws(InventoryError) -> ReconcileTurn {
        // Above the time after which the turn of a dead server ends.
        let end = now() + .seconds(30)
        while true {
            if let turn = try await company.takeTurn() { return turn }
            guard now() < end, (try? await sleep(.milliseconds(20))) != nil else {
                throw InventoryError(
                    .ledgerOverloaded, "another server compares stock and ledger; nothing was changed")
            }
        }
    }

    /// Stops selling when this Redis has become another ledger's.
    private func checkOwner(_ isDryRun: Bool) async throws(InventoryError) {
        let origin = store.origin
        let other =
            isDryRun
            ? try await stock.owner().flatMap { $0 == origin ? nil : $0 } : try await stock.claim(for: origin)
        guard let other else { return }
        if !isDryRun { gate.distrust() }
        throw InventoryError(
            .stockUnknown,
            "this Redis holds the stock of another ledger (\(other)), and this one is \(origin)")
    }

    private func meet() async throws(InventoryError) -> Set<String> {
        do throws(RedisError) {
            return try await servers()
        } catch {
            throw InventoryError(error, during: "asking Redis for a sign of life")
        }
    }

    private func reconcile(
        _ accounts: [StockAccount], _ isDryRun: Bool, _ turn: ReconcileTurn?
    ) async -> [ReconcileReport.Entry] {
        let entries = await withTaskGroup(of: ReconcileReport.Entry.self) { group in
            for account in accounts {
                group.addTask { await reconcile(account, isDryRun, turn) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return entries.sorted { $0.product.rawValue < $1.product.rawValue }
    }

    private func reconcile(
        _ account: StockAccount, _ isDryRun: Bool, _ turn: ReconcileTurn?
    ) async -> ReconcileReport.Entry {
        let doubt = gate.doubt(in: account.product)
        do throws(InventoryError) {
            if !isDryRun { try await sweep.run(account.product, in: stock) }
            var facts = try await look(account)
            var decision = ReconcileDecision(facts)
            if decision.fill == .drift {
                // Units on the way between buckets look like drift for a moment.
                let again = try await look(facts.after)
                let second = ReconcileDecision(again)
                let isCertain =
                    second.fill == .drift
                    && (stock.layout.bucketCount == 1
                        || (again.settledStock == facts.settledStock
                            && again.after.sold == facts.before.sold))
                (facts, decision) = (again, isCertain ? second : second.withoutDrift())
            }
            var entry = Self.entry(facts, drift: decision.drift)
            let strangers = facts.stock.strangers.count
            if strangers > 0 {
                entry.problems.append(
                    "\(strangers) entries among its reservations in Redis are none: somebody else writes there"
                )
            }
            if isDryRun {
                Self.note(decision, in: &entry)
            } else {
                await carryOut(decision, facts, turn, &entry)
                let isWhole = entry.filled != nil || decision.isComplete && decision.fill == nil
                if isWhole, entry.problems.isEmpty {
                    try await store.company?.settleSupply(facts.leftSupply)
                    if let doubt { gate.settle(account.product, doubt: doubt) }
                }
            }
            return entry
        } catch {
            return ReconcileReport.Entry(
                product: account.product, supplied: account.supplied, sold: account.sold, stock: nil,
                openUnits: 0, drift: 0, problems: ["it could not be looked at: \(error)"])
        }
    }

    private func look(_ account: StockAccount) async throws(InventoryError) -> ReconcileDecision.Facts {
        let product = account.product
        let before = try await store.stockAccount(product) ?? account
        let supply = try await store.company?.supplyUnderWay(of: product) ?? []
        let wasAdjusting = gate.isAdjusting(product)
        let snapshot = try await stock.snapshot(product)
        let working = try await working(among: supply + snapshot.open.keys)
        let recorded = try await store.recorded(among: Array(snapshot.open.keys))
        let isAdjusting = wasAdjusting || gate.isAdjusting(product)
        let after = try await store.stockAccount(product) ?? account
        return .init(
            before: before, stock: snapshot, working: working.intersection(snapshot.open.keys),
            recorded: recorded, after: after,
            isAdjusting: isAdjusting || !working.isDisjoint(with: supply),
            leftSupply: supply.filter { !working.contains($0) })
    }

    /// Those that a living process works on: this one, or another server.
    private func working(
        among ids: [ReservationID]
    ) async throws(InventoryError) -> Set<ReservationID> {
        let own = gate.working(among: ids)
        guard let company = store.company else { return own }
        let others = ids.filter { !own.contains($0) && $0.maker != company.own }
        guard !others.isEmpty else { return own }
        let living = try await company.living()
        return own.union(others.filter { id in id.maker.map(living.contains) ?? false })
    }

    private func carryOut(
        _ decision: ReconcileDecision, _ facts: ReconcileDecision.Facts, _ turn: ReconcileTurn?,
        _ entry: inout ReconcileReport.Entry
    ) async {
        let product = facts.after.product
        do throws(InventoryError) {
            if decision.drop { entry.dropped = try await drop(product, &entry) }
            if let reason = decision.fill {
                if try await fill(product, over: facts.stock, turn, &entry) { entry.filled = reason.rawValue }
                return
            }
            for id in decision.clear {
                try await stock.clear(id, of: product)
                entry.cleared += 1
            }
            try await giveBack(decision.giveBack, of: product, turn, &entry)
            try await stock.discard(facts.stock.strangers, of: product)
        } catch {
            entry.problems.append("\(error)")
        }
    }

    private func giveBack(
        _ ids: [ReservationID], of product: ProductID, _ turn: ReconcileTurn?,
        _ entry: inout ReconcileReport.Entry
    ) async throws(InventoryError) {
        let recorded = try await store.end(ids, at: clock.now, in: turn)
        if !ids.isEmpty { crashPoints.pass(.afterEnd) }
        for id in ids {
            if recorded.contains(id) {
                try await stock.clear(id, of: product)
                entry.cleared += 1
                continue
            }
            do throws(StrategyError) {
                _ = try await strategy.cancel(id, of: product, deadline: now() + patience)
                entry.returned += 1
            } catch {
                entry.problems.append("reservation \(id) stays open: \(error)")
            }
        }
    }

    private func fill(
        _ product: ProductID, over old: StockSnapshot, _ turn: ReconcileTurn?,
        _ entry: inout ReconcileReport.Entry
    ) async throws(InventoryError) -> Bool {
        let foreign = old.epochs.first { $0.origin != store.origin && !$0.origin.isEmpty }
        if let foreign, !stock.replacesForeign {
            entry.problems.append(
                "Redis holds this product's stock for another database (\(foreign.origin)); give this server "
                    + "a Redis, or a database number, of its own")
            return false
        }
        let highest = old.epochs.filter { $0.origin == store.origin }.map(\.number).max() ?? 0
        guard let filling = try await store.beginFilling(product, above: highest, in: turn) else {
            return false
        }
        crashPoints.pass(.afterBeginFilling)
        switch try await stock.fill(product, as: filling) {
        case .filled: return true
        case .superseded: return false
        case .foreign:
            entry.problems.append("Redis holds this product's stock for another database")
            return false
        }
    }

    private func drop(
        _ product: ProductID, _ entry: inout ReconcileReport.Entry
    ) async throws(InventoryError) -> Bool {
        guard try await stock.drop(product, origin: store.origin) == .foreign else { return true }
        // A product of this number in another database: not ours to touch.
        return false
    }

    private static func entry(_ facts: ReconcileDecision.Facts, drift: Int) -> ReconcileReport.Entry {
        .init(
            product: facts.after.product, supplied: facts.after.supplied, sold: facts.after.sold,
            stock: facts.stock.units, openUnits: facts.settledStock.openUnits, drift: drift)
    }

    private static func note(_ decision: ReconcileDecision, in entry: inout ReconcileReport.Entry) {
        entry.cleared = decision.clear.count
        entry.returned = decision.giveBack.count
        entry.filled = decision.fill?.rawValue
        entry.dropped = decision.drop
    }

    private func log(_ report: ReconcileReport) {
        onReport(report)
        guard !report.isClean else { return }
        logger.log(
            level: report.hasProblems || report.driftUnits > 0
                ? .warning : report.entries.isEmpty ? .info : .notice, "reconciled",
            metadata: [
                "products": "\(report.products)", "cleared": "\(report.cleared)",
                "returned": "\(report.returned)", "filled": "\(report.filled)",
                "drift_units": "\(report.driftUnits)", "distrusted": "\(report.distrusted)",
                "dry_run": "\(report.isDryRun)",
                "problems": "\(report.entries.flatMap(\.problems).prefix(5).joined(separator: "; "))",
            ])
    }
}
