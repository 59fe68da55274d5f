public import RedisClient

/// Registration, sign-in, and who a token speaks for.
public struct AuthService<Store: Ledger>: Sendable {
    /// What a client sends with later requests.
    public struct SignIn: Sendable {
        public let user: User
        public let token: Secret
        public let expiresIn: Duration
    }

    private let store: Store
    private let hasher: PasswordHasher
    private let tokens: AccessTokens
    private let clock: WallClock

    public init(store: Store, hasher: PasswordHasher, tokens: AccessTokens, clock: WallClock = .system) {
        self.store = store
        self.hasher = hasher
        self.tokens = tokens
        self.clock = clock
    }

    /// Makes a user. The password is hashed first, so a taken name answers no faster than a free one.
    ///
    /// - Throws: ``InventoryError``: `.invalidField` unless the name has 1 to 50 characters, the password 8
    ///   to 1024, and the e-mail address, where given, at most 100 and the form of one; else the errors of
    ///   ``PasswordHasher`` and ``Ledger``.
    public func register(
        username: String, password: String, email: String? = nil, role: UserRole = .user
    ) async throws(InventoryError) -> CreateUserOutcome {
        try Self.checkUsername(username)
        try Self.checkPassword(password)
        if let email { try Self.checkEmail(email) }
        let hash = try await hasher.hash(password)
        return try await store.createUser(
            NewUser(username: username, email: email, passwordHash: hash, role: role, createdAt: clock.now))
    }

    /// Signs a user in.
    ///
    /// - Returns: Nil when the name or the password is wrong; which one, neither the answer nor its time
    ///   tells.
    public func authenticate(
        username: String, password: String
    ) async throws(InventoryError) -> SignIn? {
        let found = try await store.credentials(of: username)
        // Longer than any password of a user: no reason to spend more than one hash on it.
        let candidate = password.unicodeScalars.count <= 1024 ? password : ""
        let isRight = try await hasher.verify(candidate, against: found?.hash)
        guard isRight, let user = found?.user else { return nil }
        let (token, expiresIn) = try tokens.issue(for: user.id)
        return SignIn(user: user, token: token, expiresIn: expiresIn)
    }

    /// The user of a token, by its signature and times alone; the ledger is not asked.
    ///
    /// - Throws: ``InventoryError`` with `.invalidToken`.
    public func verify(_ token: String) throws(InventoryError) -> UserID {
        try tokens.verify(token)
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

    /// The user of a token, as the ledger knows it now.
    public func currentUser(token: String) async throws(InventoryError) -> User {
        try await currentUser(verify(token))
    }

    private static func checkUsername(_ name: String) throws(InventoryError) {
        guard (1...50).contains(name.unicodeScalars.count) else {
            throw .invalid("username", "must have 1 to 50 characters")
        }
        guard name.unicodeScalars.allSatisfy({ !isControl($0) }), name.contains(where: { !$0.isWhitespace })
        else { throw .invalid("username", "must not be blank or hold control characters") }
    }

    private static func checkPassword(_ password: String) throws(InventoryError) {
        guard (8...1024).contains(password.unicodeScalars.count) else {
            throw .invalid("password", "must have 8 to 1024 characters")
        }
    }

    private static func checkEmail(_ email: String) throws(InventoryError) {
        guard (1...100).contains(email.unicodeScalars.count) else {
            throw .invalid("email", "must have at most 100 characters")
        }
        let parts = email.split(separator: "@", omittingEmptySubsequences: false)
        let isWritable = email.unicodeScalars.allSatisfy { !isControl($0) && !$0.properties.isWhitespace }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, isWritable else {
            throw .invalid("email", "must have the form name@host")
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}
