/// Makes administrators; for the one who owns the ledger's file, not for a request.
public struct Administrators<Store: Ledger>: Sendable {
    public enum Outcome: Sendable, Equatable {
        case created(User)
        /// The name was taken: its user is an administrator now, with the new password.
        case promoted(User)
        case emailTaken
    }

    private let store: Store
    private let hasher: PasswordHasher
    private let clock: WallClock

    public init(store: Store, hasher: PasswordHasher, clock: WallClock = .system) {
        self.store = store
        self.hasher = hasher
        self.clock = clock
    }

    /// Makes an administrator, or one of the user who has this name; a disabled one is enabled again.
    ///
    /// - Throws: ``InventoryError``: `.invalidField` by the rules of ``AuthService``; the errors of the
    ///   hasher and the ledger.
    public func make(
        username: String, password: String, email: String?
    ) async throws(InventoryError) -> Outcome {
        try UserRules.check(username: username, password: password, email: email)
        let hash = try await hasher.hash(password)
        let outcome = try await store.createUser(
            NewUser(username: username, email: email, passwordHash: hash, role: .admin, createdAt: clock.now))
        switch outcome {
        case .created(let user): return .created(user)
        case .emailTaken: return .emailTaken
        case .usernameTaken:
            guard let found = try await store.credentials(of: username),
                let user = try await store.changeUser(
                    found.user.id, [.password(hash), .role(.admin), .disabled(false)], at: clock.now)
            else { throw InventoryError(.unknownUser, "the user \(username) does not exist any more") }
            return .promoted(user)
        }
    }
}
