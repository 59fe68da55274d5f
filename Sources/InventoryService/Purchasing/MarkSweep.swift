import LockStrategies
import Synchronization

/// Removes what older versions left among the open reservations of a product, once in the life of a process
/// and before the stock is read as a whole: there may be millions.
///
/// These marks may go at once. They refuse late calls of a process that is dead. What such a call still takes
/// is an open reservation that nobody works on, and the next comparison ends it in the ledger and gives its
/// units back.
final class MarkSweep: Sendable {
    private let done = Mutex<Set<ProductID>>([])

    func run(_ product: ProductID, in stock: StockStore<some RedisPort>) async throws(InventoryError) {
        guard !done.withLock({ $0.contains(product) }) else { return }
        try await stock.removeEndedMarks(of: product)
        done.withLock { _ = $0.insert(product) }
    }
}
