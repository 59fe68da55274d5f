package import BenchLoad
package import BenchModel

extension AuditFacts {
    /// Puts together what the three sides said.
    ///
    /// - Parameter units: Of each product, before the load.
    package init(
        initialStock units: Int, _ load: OfferedLoad, _ record: LoadRecord,
        ledger: LedgerReader.Reading?, stock: StockReader.Reading?, serverEnd: String, serverEndedWell: Bool
    ) {
        let count = record.products.count
        let answers = Answers(
            success: record.total(.success), oversellRefused: record.total(.oversellRefused),
            unknown: BuyerOutcome.allCases.filter(\.isUnknown).reduce(0) { $0 + record.total($1) })
        self.init(
            initialStock: units * count, answers: answers, ledger: ledger?.sum,
            busyShare: load.model.isOpen ? nil : record.busyShare,
            measuredSuccesses: record.measured(.success), serverEnd: serverEnd,
            serverEndedWell: serverEndedWell)
        edgeShare = load.model.isOpen ? 0 : record.edgeShare
        var redis: [Redis] = []
        if let stocks = stock?.stocks, stocks.count == count {
            redis = stocks.enumerated().map { index, stock in
                Redis(stock, known: ledger?.books[index].reservations ?? [])
            }
            self.redis = redis.reduce(Redis()) { $0 + $1 }
        }
        if count > 1 {
            products = record.products.enumerated().map { index, tally in
                Product(
                    number: index + 1, initialStock: units,
                    answers: Answers(
                        success: tally.success, oversellRefused: tally.oversellRefused,
                        unknown: tally.unknown),
                    ledger: ledger?.books[index].ledger, redis: redis.isEmpty ? nil : redis[index])
            }
        }
        if let journey = record.journey {
            let step = journey.step(.register)
            // One more registered before the load, to own the products.
            self.journey = Journey(
                registered: step.good + 1, unknown: step.unknown, users: ledger?.users,
                missing: journey.missing)
        }
    }
}

extension AuditFacts.Redis {
    /// - Parameter known: Ids of the reservations that became purchases.
    package init(_ stock: StockReader.Stock, known: Set<String>) {
        let open = stock.reservations.filter { !known.contains($0.key) }
        self.init(
            stock: stock.units, openReservations: open.count, openUnits: open.values.reduce(0, +),
            unclearedReservations: stock.reservations.count - open.count)
    }

    package static func + (left: Self, right: Self) -> Self {
        Self(
            stock: left.stock + right.stock, openReservations: left.openReservations + right.openReservations,
            openUnits: left.openUnits + right.openUnits,
            unclearedReservations: left.unclearedReservations + right.unclearedReservations)
    }
}
