public import RedisClient

/// Registration, sign-in, and who a token speaks for.
public struct AuthService<Store: Ledger>: Sendable {
    /// What a client sends with later requests.
    public struct SignIn: Sendable {
        public let user: User
        public let token: Secret
        public let expiresIn: Duration
    }

    /// Whom a request is from.
    public struct Caller: Sendable, Hashable {
        public let user: UserID
        public let role: UserRole

        public init(user: UserID, role: UserRole) {
            self.user = user
            self.role = role
        }
    }

    private let store: Store
    private let hasher: PasswordHasher
    private let tokens: AccessTokens
    private let clock: WallClock
    private let standings: UserStandings

    /// A process has one of these: it remembers who may do what.
    ///
    /// - Parameter presence: Says when other servers on the ledger have changed users; nil where there are no
    ///   others.
    public init(
        store: Store, hasher: PasswordHasher, tokens: AccessTokens, clock: WallClock = .system,
        presence: ServerPresence? = nil
    ) {
        standings = UserStandings(presence)
        self.store = store
        self.hasher = hasher
        self.tokens = tokens
        self.clock = clock
    }

    /// Makes a user. The password is hashed first, so a taken name answers no faster than a free one.
    ///
    /// - Throws: ``InventoryError``: `.invalidField` unless the name has 1 to 50 characters, the password 8
    ///   to 1024 and is not among those that are guessed first, and the e-mail address, where given, at most
    ///   100 and the form of one; else the errors of ``PasswordHasher`` and ``Ledger``.
    public func register(
        username: String, password: String, email: String? = nil, role: UserRole = .user
    ) async throws(InventoryError) -> CreateUserOutcome {
        try UserRules.check(username: username, password: password, email: email)
        let hash = try await hasher.hash(password)
        return try await store.createUser(
            NewUser(username: username, email: email, passwordHash: hash, role: role, createdAt: clock.now))
    }

    /// Signs a user in. A hash of a lower cost than today's is made anew on the way.
    ///
    /// - Returns: Nil when the name or the password is wrong or the user is disabled; which one, neither the
    ///   answer nor its time tells.
    public func authenticate(
        username: String, password: String
    ) async throws(InventoryError) -> SignIn? {
        let found = try await store.credentials(of: username)
        // Longer than any password of a user: no reason to spend more than one hash on it.
        let candidate = password.unicodeScalars.count <= PasswordRules.lengths.upperBound ? password : ""
        let isRight = try await hasher.verify(candidate, against: found?.hash)
        guard isRight, let found, !found.standing.isDisabled else { return nil }
        if hasher.isOutdated(found.hash) {
            let hash = try await hasher.hash(candidate)
            _ = try await store.changeUser(
                found.user.id, [.rehashed(hash, instead: found.hash)], at: clock.now)
        }
        let (token, expiresIn) = try tokens.issue(
            for: found.user.id, version: found.standing.tokenVersion)
        return SignIn(user: found.user, token: token, expiresIn: expiresIn)
    }

    /// Whom a token speaks for. Asks the ledger when it is the user's first token since the start or since
    /// the user was changed; else it costs two look-ups. What another server ended is refused two seconds
    /// later.
    ///
    /// - Throws: ``InventoryError``: `.invalidToken` also for a token that was issued before the user signed
    ///   out, was disabled, or had the password or the role changed; `.unknownUser`; the ledger's errors.
    public func verify(_ token: String) async throws(InventoryError) -> Caller {
        let subject = try tokens.verify(token)
        let standing = try await standing(of: subject.user)
        guard standing.tokenVersion == subject.version else {
            throw InventoryError(.invalidToken, "the token was ended; sign in again")
        }
        guard !standing.isDisabled else { throw InventoryError(.invalidToken, "this user is disabled") }
        return Caller(user: subject.user, role: standing.role)
    }

    private func standing(of user: UserID) async throws(InventoryError) -> UserStanding {
        if let known = standings.known(user) { return known }
        let changes = standings.changes
        guard let standing = try await store.standing(of: user) else {
            throw InventoryError(.unknownUser, "this user does not exist any more")
        }
        standings.keep(standing, of: user, since: changes)
        return standing
    }

    /// Ends every token that the user has.
    public func signOut(_ user: UserID) async throws(InventoryError) {
        _ = try await change(user, [.signedOut])
    }

    /// Sets a new password and ends every token that the user has.
    ///
    /// - Returns: False when `current` is not the user's password; nothing was changed then.
    /// - Throws: ``InventoryError`` with `.invalidField` naming `new_password` by the rules of registration.
    public func changePassword(
        of user: UserID, from current: String, to new: String
    ) async throws(InventoryError) -> Bool {
        let user = try await currentUser(user)
        try PasswordRules.check(
            new, context: UserRules.context(user.username, user.email), field: "new_password")
        let found = try await store.credentials(of: user.username)
        let candidate = current.unicodeScalars.count <= PasswordRules.lengths.upperBound ? current : ""
        guard try await hasher.verify(candidate, against: found?.hash) else { return false }
        let hash = try await hasher.hash(new)
        _ = try await change(user.id, [.password(hash)])
        return true
    }

    /// Changes a user; tokens that were issued before are refused from the return on.
    ///
    /// - Returns: Nil when there is no such user.
    public func change(_ user: UserID, _ changes: [UserChange]) async throws(InventoryError) -> User? {
        // Also after an error: whether the ledger changed the user is not known then.
        defer { standings.forget(user) }
        return try await store.changeUser(user, changes, at: clock.now)
    }

    /// Makes administrators beside this service, which then refuses the tokens that a promoted user had.
    public var administrators: Administrators<Store> {
        Administrators(store: store, hasher: hasher, clock: clock) { [standings] in standings.forget($0) }
    }

    /// The user as the ledger knows it now.
    ///
    /// - Throws: ``InventoryError`` with `.unknownUser` when the user does not exist any more.
    public func currentUser(_ id: UserID) async throws(InventoryError) -> User {
        guard let user = try await store.user(id) else {
            throw InventoryError(.unknownUser, "this user does not exist any more")
        }
        return user
    }
}
