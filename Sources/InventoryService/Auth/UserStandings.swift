import Synchronization

/// The standings of the users whose tokens were seen, so that a request costs a look-up and no SQL.
///
/// They are exact because one process writes the ledger, and every change of a user passes ``AuthService``,
/// which forgets the old standing after the change is durable.
final class UserStandings: Sendable {
    private struct State {
        var known: [UserID: UserStanding] = [:]
        /// Changes so far. What was read before a change must not be kept after it.
        var changes = 0
    }

    private static let remembered = 100_000
    private let state = Mutex(State())

    func known(_ user: UserID) -> UserStanding? {
        state.withLock { $0.known[user] }
    }

    /// To be taken before the ledger is read, and given to ``keep(_:of:since:)``.
    var changes: Int { state.withLock { $0.changes } }

    func keep(_ standing: UserStanding, of user: UserID, since changes: Int) {
        state.withLock { state in
            guard state.changes == changes else { return }
            if state.known.count >= Self.remembered { state.known.removeAll(keepingCapacity: true) }
            state.known[user] = standing
        }
    }

    func forget(_ user: UserID) {
        state.withLock { state in
            state.changes += 1
            state.known[user] = nil
        }
    }
}
