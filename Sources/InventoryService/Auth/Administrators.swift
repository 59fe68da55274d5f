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
    /// Told after a user was changed, or may have been.
    private let changed: @Sendable (UserID) -> Void

    /// For a program that has the ledger to itself. Beside a service that signs users in take
    /// ``AuthService/administrators``.
    public init(store: Store, hasher: PasswordHasher, clock: WallClock = .system) {
        self.init(store: store, hasher: hasher, clock: clock) { _ in }
    }

    init(
        store: Store, hasher: PasswordHasher, clock: WallClock, changed: @escaping @Sendable (UserID) -> Void
    ) {
        self.store = store
        self.hasher = hasher
        self.clock = clock
        self.changed = changed
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
            let gone = InventoryError(.unknownUser, "the user \(username) does not exist any more")
            guard let found = try await store.credentials(of: username) else { throw gone }
            defer { changed(found.user.id) }
            guard
                let user = try await store.changeUser(
                    found.user.id, [.password(hash), .role(.admin), .disabled(false)], at: clock.now)
            else { throw gone }
            return .promoted(user)
        }
    }
}
