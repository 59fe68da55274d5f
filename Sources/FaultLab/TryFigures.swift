package import BenchResults
package import FaultAudit

extension FaultCell.Try {
    /// Operations that are drawn at most.
    static let mostShown = 40
    /// A purchase rate is looked at in steps of this length after the fault, in nanoseconds.
    static let step: Int64 = 100_000_000

    /// What one try came to, for people.
    package init(number: Int, _ record: TryRecord, _ report: Auditor.Report, history: String?) {
        let operations = record.history.operations
        let start = operations.map(\.invoked).min() ?? record.struck
        let end = max(record.closed, record.healed)
        func milliseconds(_ moment: Int64) -> Double { Double(moment - start) / 1e6 }
        self.init(
            number: number, struckMs: milliseconds(record.struck), healedMs: milliseconds(record.healed),
            endedMs: milliseconds(end), figures: Self.figures(record, until: end),
            findings: report.findings.map { finding in
                // On the clock of all else here.
                var finding = finding
                finding.moment = finding.moment.map { $0 - start }
                return finding
            }, operations: Self.shown(record, report, from: start),
            history: history)
    }

    private static func figures(
        _ record: TryRecord, until end: Int64
    ) -> FaultCell.Figures {
        let history = record.history
        let sold = history.operations.filter { $0.outcome == .ok && $0.answered != nil }
        let answers = sold.compactMap(\.answered)
        func rate(_ from: Int64, _ until: Int64) -> Double {
            until > from ? Double(answers.count { $0 >= from && $0 < until }) * 1e9 / Double(until - from) : 0
        }
        /// A call without an answer lasted until the end at least.
        func times(_ part: [History.Operation]) -> [Double] {
            part.map { Double(($0.answered ?? max(end, $0.invoked)) - $0.invoked) / 1e6 }.sorted()
        }
        let before = rate(record.begun, record.struck)
        let during = rate(record.struck, record.healed)
        let usual = times(sold.filter { ($0.answered ?? .max) < record.struck })
        // Those of whom nobody knows waited too.
        let struck = times(
            (sold + history.operations.filter { $0.outcome == .unknown }).filter {
                $0.invoked < record.healed && ($0.answered ?? .max) >= record.struck
            })
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        return FaultCell.Figures(
            purchases: sold.count, unknown: history.operations.count { $0.outcome == .unknown },
            refusedByLedger: history.end.rows?.refused, beforePerSecond: before, duringPerSecond: during,
            afterPerSecond: rate(record.healed, end), availability: before > 0 ? during / before : nil,
            recoveryMs: recovery(answers, before, from: record.healed, until: end),
            standstillMs: standstill(answers, from: record.struck, until: end),
            p99BeforeMs: percentile(usual), p99DuringMs: percentile(struck),
            lostMsPerPurchase: mean(struck).flatMap { during in mean(usual).map { max(during - $0, 0) } })
    }

    /// Until a step after the fault has at least half the rate of before.
    private static func recovery(
        _ answers: [Int64], _ before: Double, from healed: Int64, until end: Int64
    ) -> Double? {
        guard before > 0 else { return nil }
        let needed = before / 2 * Double(step) / 1e9
        // Where few are sold in a step, the first sale is the sign.
        let after = answers.filter { $0 >= healed }.sorted()
        var first = 0
        for (index, moment) in after.enumerated() {
            while after[first] <= moment - step { first += 1 }
            if Double(index - first + 1) >= max(needed, 1) {
                return Double(moment - healed) / 1e6
            }
        }
        return nil
    }

    /// The longest time without a sale between two moments.
    private static func standstill(_ answers: [Int64], from struck: Int64, until end: Int64) -> Double {
        let moments = [struck] + answers.filter { $0 > struck && $0 < end }.sorted() + [end]
        let longest = zip(moments, moments.dropFirst()).map { $1 - $0 }.max() ?? 0
        return Double(longest) / 1e6
    }

    private static func percentile(_ sorted: [Double]) -> Double? {
        sorted.isEmpty
            ? nil : sorted[min(sorted.count - 1, Int((Double(sorted.count) * 0.99).rounded(.up)) - 1)]
    }

    /// The operations that prove the first violation and those that went on beside them; where there is none,
    /// those that were under way when the fault struck.
    private static func shown(
        _ record: TryRecord, _ report: Auditor.Report, from start: Int64
    ) -> [FaultCell.Operation] {
        let operations = record.history.operations
        let proof = Set(
            report.findings.filter { $0.verdict == .violated }.flatMap(\.proof))
        let proving = operations.filter { proof.contains($0.id) }
        let first = proving.map(\.invoked).min() ?? record.struck - 5_000_000
        let last = proving.compactMap(\.answered).max() ?? record.struck + 20_000_000
        let near = operations.filter {
            !proof.contains($0.id) && $0.invoked <= last && ($0.answered ?? .max) >= first
        }
        // Who held a lock says more than who waited for it.
        let chosen = near.sorted {
            ($0.hold == nil ? 1 : 0, $0.invoked) < ($1.hold == nil ? 1 : 0, $1.invoked)
        }
        .prefix(max(mostShown - proving.count, 0))
        return (proving + chosen).sorted { ($0.invoked, $0.id) < ($1.invoked, $1.id) }.map { one in
            FaultCell.Operation(one, from: start, isProof: proof.contains(one.id))
        }
    }
}
