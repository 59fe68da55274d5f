import Synchronization

/// Purchases with an idempotency key that are being made now: who comes with the same key waits for their
/// answer.
final class IdempotencyDesk: Sendable {
    struct Ticket: Sendable, Hashable {
        let user: UserID
        let key: IdempotencyKey
    }

    /// What makes two requests the same.
    struct Body: Sendable, Hashable {
        let product: Int64
        let quantity: Int
    }

    enum Entry: Sendable {
        /// The caller makes the purchase, and must call ``leave(_:with:)``.
        case first
        /// Another request under this key has just been answered.
        case answered(Result<PurchaseReport, InventoryError>)
        /// Another request with this key and another body is under way.
        case mismatch
    }

    private typealias Follower = CheckedContinuation<Entry, Never>

    private struct Running {
        let body: Body
        var followers: [Follower] = []
    }

    private enum Admission {
        case now(Entry)
        case later
    }

    private let running = Mutex<[Ticket: Running]>([:])

    /// Bounded by the time that the first request takes, which is bounded itself.
    func enter(_ ticket: Ticket, _ body: Body) async -> Entry {
        await withCheckedContinuation { (follower: Follower) in
            let admission = running.withLock { running -> Admission in
                guard let first = running[ticket] else {
                    running[ticket] = Running(body: body)
                    return .now(.first)
                }
                guard first.body == body else { return .now(.mismatch) }
                running[ticket]?.followers.append(follower)
                return .later
            }
            if case .now(let entry) = admission { follower.resume(returning: entry) }
        }
    }

    func leave(_ ticket: Ticket, with answer: Result<PurchaseReport, InventoryError>) {
        let followers = running.withLock { $0.removeValue(forKey: ticket)?.followers ?? [] }
        for follower in followers { follower.resume(returning: .answered(answer)) }
    }

    /// Requests that wait for the answer to another.
    var waitingCount: Int {
        running.withLock { $0.values.reduce(0) { $0 + $1.followers.count } }
    }
}
