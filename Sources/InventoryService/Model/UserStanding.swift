/// What decides whether a user's token still counts, and what it allows.
public struct UserStanding: Sendable, Hashable {
    public let role: UserRole
    /// Tokens that were issued under another number count no more.
    public let tokenVersion: Int64
    public let isDisabled: Bool

    public init(role: UserRole, tokenVersion: Int64, isDisabled: Bool) {
        self.role = role
        self.tokenVersion = tokenVersion
        self.isDisabled = isDisabled
    }
}

/// A user as signing in needs it.
public struct Credentials: Sendable {
    public let user: User
    public let hash: PasswordHash
    public let standing: UserStanding

    public init(user: User, hash: PasswordHash, standing: UserStanding) {
        self.user = user
        self.hash = hash
        self.standing = standing
    }
}

/// One change of a user. All but `rehashed` end the tokens that the user has.
public enum UserChange: Sendable, Hashable {
    case password(PasswordHash)
    /// The same password under a hash of today's cost, written only where the old hash still stands.
    case rehashed(PasswordHash, instead: PasswordHash)
    case role(UserRole)
    case disabled(Bool)
    /// Nothing but the end of all tokens.
    case signedOut

    package var endsTokens: Bool {
        if case .rehashed = self { false } else { true }
    }
}
