import Synchronization

/// The standings of the users whose tokens were seen, so that a request costs a look-up and no SQL.
///
/// In one process they are exact: every change of a user passes ``AuthService``, which forgets the old
/// standing after the change is durable. Of what other servers change it hears by ``ServerPresence``, within
/// two seconds; while it does not hear of them, nothing is known.
final class UserStandings: Sendable {
    private struct State {
        var known: [UserID: UserStanding] = [:]
        /// Changes so far. What was read before a change must not be kept after it.
        var changes = 0
    }

    private static let remembered = 100_000
    private let presence: ServerPresence?
    private let state = Mutex(State())

    init(_ presence: ServerPresence?) {
        self.presence = presence
        presence?.onUserChange { [weak self] in self?.forgetAll() }
    }

    func known(_ user: UserID) -> UserStanding? {
        guard presence?.isUpToDate != false else { return nil }
        return state.withLock { $0.known[user] }
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

    private func forgetAll() {
        state.withLock { state in
            state.changes += 1
            state.known.removeAll(keepingCapacity: true)
        }
    }
}
