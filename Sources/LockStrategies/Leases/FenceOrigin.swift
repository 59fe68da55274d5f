/// Where the numbers of a lock's grants go on when Redis has lost them.
///
/// The ledger keeps the highest number that a purchase carried. Grants that never became a purchase may have
/// had higher ones, so numbering goes on far above: no process can have had that many grants under way.
public struct FenceOrigin: Sendable {
    /// Room for the grants that the ledger has not seen.
    static let gap: Int64 = 1 << 20

    private let highest: @Sendable (LockKey) async throws(StrategyError) -> Fence?

    /// - Parameter highest: The highest number that was ever recorded for the lock; nil when there is none.
    public init(highest: @escaping @Sendable (LockKey) async throws(StrategyError) -> Fence?) {
        self.highest = highest
    }

    /// No record: numbers start at 1 again with a Redis that came back empty, beside holders who may still
    /// have the old ones.
    public static let unrecorded = FenceOrigin { _ in nil }

    func start(of key: LockKey) async throws(StrategyError) -> Int64 {
        try await highest(key).map { $0.rawValue + Self.gap } ?? 0
    }
}
