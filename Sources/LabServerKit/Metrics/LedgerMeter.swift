/// How long the ledger's transactions took, from their beginning to the end of the commit.
final class LedgerMeter: Sendable {
    private let times = Histogram(bounds: Histogram.fine)

    func committed(in duration: Duration) { times.observe(duration) }

    func write(to page: inout Exposition) {
        page.family(
            "lab_sqlite_commit_seconds", "histogram",
            "Time of a transaction from its beginning to the end of its commit, fsync included.")
        page.histogram("lab_sqlite_commit_seconds", [], times)
    }
}
