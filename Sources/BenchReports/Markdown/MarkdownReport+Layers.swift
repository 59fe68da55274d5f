import BenchModel
import BenchResults
import BenchStatistics

/// The three modes of a run beside each other.
extension MarkdownReport {
    /// What the strategy, the service around it and HTTP take of a purchase.
    var layers: [String] {
        guard let found = results.layers, !found.isEmpty else { return [] }
        let names = ["strategy", "service", "http"]
        let costs = found.map { result in
            [result.strategy]
                + names.map { name in
                    result.layers.first { $0.name == name }.map { layer in
                        "\(number(layer.addsUs)), \(Text.percent(layer.share))"
                    } ?? "-"
                }
                + [
                    result.modes.last.map { Text.number($0.perPurchaseUs.median) } ?? "-",
                    count(result.rounds),
                ]
        }
        let modes = RunMode.inwards.reversed()
        let rates = found.map { result in
            let own = modes.map { mode in result.modes.first { $0.mode == mode } }
            return [result.strategy]
                + own.map { $0.map { number($0.purchasesPerSecond) } ?? "-" }
                + own.map { $0?.cpuMsPerPurchase.map { Text.number($0, digits: 3) } ?? "-" }
        }
        return [
            "## What each layer costs", "",
            "The closed load in each mode, one right after the other in each round: the strategy alone, the service around "
                + "it with its ledger, and the same over HTTP. A purchase takes the length of the load divided by "
                + "the purchases sold, with all buyers busy: that is what a sale keeps the system busy, not what a buyer waits. "
                + "Microseconds, median of the rounds (min - max), and the share of the purchase over HTTP. A layer that "
                + "adds less than the noise may be below zero. A strategy whose stock is in the ledger is not measured "
                + "alone: what it costs is in the service. Buyers run in the same process as the service unless it is HTTP.",
            "",
        ]
            + Self.table(
                ["strategy", "the strategy", "+ the service", "+ HTTP", "= a purchase", "rounds"], costs)
            + [
                "", "Purchases per second, and CPU ms per purchase of buyers, service and Redis together:",
                "",
            ]
            + Self.table(
                ["strategy"] + modes.map { "\($0.rawValue)/s" } + modes.map { "CPU \($0.rawValue)" }, rates)
            + innerReports
    }

    private func number(_ spread: Spread) -> String {
        "\(Text.number(spread.median)) (\(Text.number(spread.min)) - \(Text.number(spread.max)))"
    }

    /// The modes inside have reports of their own.
    private var innerReports: [String] {
        let links = RunMode.inwards.reversed().compactMap { mode -> String? in
            let file = "\(mode.rawValue)/LOAD_TEST_RESULT.md"
            return mode != results.workload.mode && isPresent(file) ? "[\(mode.rawValue)](\(file))" : nil
        }
        return links.isEmpty
            ? [] : ["", "The whole reports of the other modes: \(links.joined(separator: ", "))."]
    }
}
