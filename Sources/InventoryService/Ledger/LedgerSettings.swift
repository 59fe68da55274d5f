/// How much work a ledger takes on, and how long it lets a write wait.
public struct LedgerSettings: Sendable, Hashable {
    /// Writes that share one commit.
    public var batch: Int
    /// Writes that wait for a commit; more are refused at once.
    public var queue: Int
    /// How long a write waits for its transaction to begin, before it is refused.
    public var patience: Duration

    /// What a commit survives. Less than `full` exists for tests of the tests only: no public way leads to
    /// it.
    package enum Durability: Int, Sendable, Hashable {
        /// The death of the process; a power cut may take acknowledged commits.
        case normal = 1
        /// A power cut.
        case full = 2
    }

    package var durability = Durability.full

    public init(batch: Int = 512, queue: Int = 10_000, patience: Duration = .seconds(2)) {
        self.batch = max(batch, 1)
        self.queue = max(queue, 1)
        self.patience = patience
    }
}
