import FaultAudit
import Synchronization

/// What all buyers of a try did and were told.
final class PurchaseNotes: Sendable {
    private struct State {
        var operations: [History.Operation] = []
        var keys: [String: Int] = [:]
    }

    private let state = Mutex(State())

    var operations: [History.Operation] { state.withLock(\.operations) }

    /// Idempotency key to operation.
    var keys: [String: Int] { state.withLock(\.keys) }

    /// Purchases per second that were acknowledged between two moments.
    func rate(from: Int64, until: Int64) -> Double {
        let sold = state.withLock { state in
            state.operations.count {
                $0.outcome == .ok && ($0.answered.map { $0 >= from && $0 < until } ?? false)
            }
        }
        return until > from ? Double(sold) * 1e9 / Double(until - from) : 0
    }

    /// - Returns: Its place in the history.
    func begin(_ key: String, buyer: Int, units: Int, at moment: Int64) -> Int {
        state.withLock { state in
            let id = state.operations.count
            state.operations.append(
                History.Operation(
                    id: id, buyer: buyer, units: units, invoked: moment, answered: nil, outcome: .unknown))
            state.keys[key] = id
            return id
        }
    }

    func end(_ id: Int, _ outcome: History.Operation.Outcome, at moment: Int64) {
        state.withLock { state in
            state.operations[id].outcome = outcome
            state.operations[id].answered = moment
        }
    }
}
