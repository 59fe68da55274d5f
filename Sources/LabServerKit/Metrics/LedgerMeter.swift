/// How long the ledger's transactions took, from their beginning to the end of the commit.
final class LedgerMeter: Sendable {
    private let times = Histogram(bounds: Histogram.fine)
    private let name: String

    /// - Parameter engine: In the name of the metric.
    init(engine: String = "sqlite") {
        name = "lab_\(engine)_commit_seconds"
    }

    func committed(in duration: Duration) { times.observe(duration) }

    func write(to page: inout Exposition) {
        page.family(
            name, "histogram",
            "Time of a transaction from its beginning to the end of its commit, fsync included.")
        page.histogram(name, [], times)
    }
}
