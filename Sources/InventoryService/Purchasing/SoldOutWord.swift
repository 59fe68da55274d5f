import LockStrategies

/// Whether a stock that is too short is the last word: otherwise units may be about to come back, or to come.
struct SoldOutWord: Sendable {
    private let gate: SalesGate
    /// Nil where one process has the ledger: then the gate knows all that is on its way.
    private let watch: SupplyWatch?

    init(_ gate: SalesGate, _ company: (any ServerCompany)?) {
        self.gate = gate
        watch = company.map { SupplyWatch($0) }
    }

    /// Where it is not, a look at the product is asked for. Costs a read of a ledger that several servers
    /// share, which all who ask at the same time have together.
    func isLast(of product: ProductID) async throws(InventoryError) -> Bool {
        var isLast = gate.believesSoldOut(of: product)
        if isLast, let watch { isLast = try await !watch.isUnderWay(product) }
        if !isLast { gate.report(product) }
        return isLast
    }
}
