/// What the ledger's writer did so far and what waits for it: one cheap look, for metrics.
public struct LedgerWriterLoad: Sendable, Hashable {
    /// Writes that wait now.
    public var waiting = 0
    /// Writes of the newest transaction that ended, well or badly.
    public var lastBatch = 0
    /// Transactions that were begun.
    public var transactions = 0
    /// Transactions that became durable.
    public var commits = 0
    /// Writes in them.
    public var rows = 0
    /// Transactions that were begun and did not become durable.
    public var failedCommits = 0
    /// Writes refused because the queue was full.
    public var refused = 0
    /// Writes refused because they had waited too long.
    public var expired = 0
    /// How often the connections were closed and opened again after an error of the disk.
    public var reopened = 0
    /// From the beginning to the end of the newest transaction.
    public var lastCommit = Duration.zero
    /// The longest of them.
    public var slowestCommit = Duration.zero
    /// The sum over all transactions.
    public var commitTime = Duration.zero
    /// Another program holds the database's write lock.
    public var isBlocked = false
    /// The disk failed, and the connections could not be opened again yet.
    public var isBroken = false

    public init() {}

    package mutating func ended(rows: Int, after duration: Duration, isDurable: Bool) {
        lastBatch = rows
        lastCommit = duration
        slowestCommit = max(slowestCommit, duration)
        commitTime += duration
        if isDurable {
            commits += 1
            self.rows += rows
        } else {
            failedCommits += 1
        }
    }
}
