/// The number of a user in the ledger.
public struct UserID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }
}

public enum UserRole: String, Sendable, CaseIterable {
    case user
    case admin
}

/// A person who can sign in. The password's hash is not part of it.
public struct User: Sendable, Hashable {
    public let id: UserID
    /// 1 to 50 characters, unique.
    public let username: String
    /// At most 100 characters, unique where given.
    public let email: String?
    public let role: UserRole
    /// Since when the user may not sign in; nil while that is allowed.
    public let disabledAt: Timestamp?
    public let createdAt: Timestamp
    public let updatedAt: Timestamp

    public init(
        id: UserID, username: String, email: String?, role: UserRole, disabledAt: Timestamp? = nil,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.username = username
        self.email = email
        self.role = role
        self.disabledAt = disabledAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What the ledger needs to make a user.
public struct NewUser: Sendable, Hashable {
    public let username: String
    public let email: String?
    public let passwordHash: PasswordHash
    public let role: UserRole
    public let createdAt: Timestamp

    public init(
        username: String, email: String?, passwordHash: PasswordHash, role: UserRole, createdAt: Timestamp
    ) {
        self.username = username
        self.email = email
        self.passwordHash = passwordHash
        self.role = role
        self.createdAt = createdAt
    }
}

public enum CreateUserOutcome: Sendable, Equatable {
    case created(User)
    case usernameTaken
    case emailTaken
}
