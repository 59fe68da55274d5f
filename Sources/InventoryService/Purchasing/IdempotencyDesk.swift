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

    private struct Place {
        let body: Body
        var followers: [Follower] = []
    }

    private enum Admission {
        case now(Entry)
        case later
    }

    private let places = Mutex<[Ticket: Place]>([:])

    /// Bounded by the time that the first request takes, which is bounded itself.
    func enter(_ ticket: Ticket, _ body: Body) async -> Entry {
        await withCheckedContinuation { (follower: Follower) in
            let admission = places.withLock { places -> Admission in
                guard let place = places[ticket] else {
                    places[ticket] = Place(body: body)
                    return .now(.first)
                }
                guard place.body == body else { return .now(.mismatch) }
                places[ticket]?.followers.append(follower)
                return .later
            }
            if case .now(let entry) = admission { follower.resume(returning: entry) }
        }
    }

    func leave(_ ticket: Ticket, with answer: Result<PurchaseReport, InventoryError>) {
        let followers = places.withLock { $0.removeValue(forKey: ticket)?.followers ?? [] }
        for follower in followers { follower.resume(returning: .answered(answer)) }
    }

    /// Requests that wait for the answer to another.
    var waitingCount: Int {
        places.withLock { $0.values.reduce(0) { $0 + $1.followers.count } }
    }
}
