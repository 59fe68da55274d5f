import InventoryService
import LockStrategies

extension ServerParts where Store: ServedLedger {
    /// What the metrics show of stocks: as many products as the settings say, the newest ones, so that the
    /// number of series is bounded. Two reads of the ledger and a round trip to Redis for each product, all
    /// at once.
    ///
    /// A product whose stock cannot be read has no series: no number is better than an old one.
    var stockGauges: [Gauge] {
        get async {
            var units: [Gauge.Sample] = []
            var open: [Gauge.Sample] = []
            let standings = await newestProducts()
            for standing in standings.items {
                let label = [("product", "\(standing.product)")]
                if let value = standing.units { units.append(.init(labels: label, value: value)) }
                if let value = standing.open { open.append(.init(labels: label, value: value)) }
            }
            return [
                Gauge(name: "lab_products", help: "Products on sale.", value: standings.total),
                Gauge(
                    name: "lab_stock_units",
                    help: "Units that can be bought, of the newest products (LAB_METRICS_PRODUCTS).",
                    samples: units),
                Gauge(
                    name: "lab_reservations_open",
                    help: "Reservations that no purchase or return has ended yet, of the same products.",
                    samples: open),
            ]
        }
    }

    private func newestProducts() async -> Standings {
        guard let first = try? await store.products(Page(skip: 0, limit: 1)) else { return Standings() }
        let total = first.total
        var standings = Standings(total: total)
        var skip = max(0, total - metricsProducts)
        while skip < total, let page = try? await store.products(Page(skip: skip, limit: 100)),
            !page.items.isEmpty
        {
            skip += page.items.count
            standings.items += await self.standings(of: page.items)
        }
        return standings
    }

    private func standings(of products: [Product]) async -> [Standing] {
        await withTaskGroup(of: Standing.self) { group in
            for product in products {
                group.addTask { [stock] in
                    if stock.layout == .ledger {
                        return Standing(
                            product: product.id, units: product.supplied - product.sold, open: nil)
                    }
                    let snapshot = try? await stock.snapshot(product.id)
                    return Standing(
                        product: product.id, units: snapshot?.units, open: snapshot?.open.count)
                }
            }
            let found = await group.reduce(into: []) { $0.append($1) }
            return found.sorted { $0.product.rawValue < $1.product.rawValue }
        }
    }
}

private struct Standings: Sendable {
    var total = 0
    var items: [Standing] = []
}

private struct Standing: Sendable {
    let product: ProductID
    let units: Int?
    let open: Int?
}
