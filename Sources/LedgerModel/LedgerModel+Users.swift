package import InventoryService

extension LedgerModel {
    /// Makes a user whose name and address nobody else has.
    ///
    /// - Throws: `.ledgerUnavailable` for a name that has not 1 to 50 characters, an address that has not 1
    ///   to 100, a hash that has not 1 to 255, and for U+0000 in one of them.
    package mutating func createUser(_ user: NewUser) throws(InventoryError) -> CreateUserOutcome {
        if users.contains(where: { Self.isSame($0.username, user.username) }) { return .usernameTaken }
        if let email = user.email,
            users.contains(where: { $0.email.map { Self.isSame($0, email) } ?? false })
        {
            return .emailTaken
        }
        guard Self.fits(user.username, 1...50), user.email.map({ Self.fits($0, 1...100) }) ?? true,
            Self.fits(user.passwordHash.stored, 1...255)
        else { throw Self.refused("this user") }
        users.append(
            UserRow(
                username: user.username, email: user.email, hash: user.passwordHash, role: user.role,
                createdAt: user.createdAt, updatedAt: user.createdAt))
        return .created(Self.user(users.count - 1, users[users.count - 1]))
    }

    /// Nil when the user does not exist.
    package func user(_ id: UserID) -> User? {
        place(of: id).map { Self.user($0, users[$0]) }
    }

    /// The user of this name and the hash of the password.
    package func credentials(of username: String) -> Credentials? {
        users.firstIndex { Self.isSame($0.username, username) }.map { place in
            let row = users[place]
            return Credentials(user: Self.user(place, row), hash: row.hash, standing: Self.standing(row))
        }
    }

    /// Nil when the user does not exist.
    package func standing(of id: UserID) -> UserStanding? {
        place(of: id).map { Self.standing(users[$0]) }
    }

    /// Applies all changes or none.
    ///
    /// - Returns: The user afterwards; nil when there is none.
    /// - Throws: `.ledgerUnavailable` for a hash that has not 1 to 255 characters.
    package mutating func changeUser(
        _ id: UserID, _ changes: [UserChange], at time: Timestamp
    ) throws(InventoryError) -> User? {
        guard let place = place(of: id) else { return nil }
        var row = users[place]
        for change in changes {
            switch change {
            case .password(let hash): row.hash = hash
            case .rehashed(let hash, let old):
                guard Self.isSame(row.hash.stored, old.stored) else { continue }
                row.hash = hash
            case .role(let role): row.role = role
            case .disabled(true): row.disabledAt = row.disabledAt ?? time
            case .disabled(false): row.disabledAt = nil
            case .signedOut: break
            }
            guard Self.fits(row.hash.stored, 1...255) else { throw Self.refused("this hash") }
            if case .rehashed = change { continue }
            row.tokenVersion += 1
            row.updatedAt = time
        }
        users[place] = row
        return Self.user(place, row)
    }

    /// Users in the order of their numbers.
    package func users(_ page: Page) -> Listing<User> {
        let rows = users.enumerated().lazy.map { Self.user($0.offset, $0.element) }
            .filter { $0.id.rawValue > page.after ?? 0 }
        return Listing(items: Self.window(rows, page), total: users.count)
    }

    func place(of id: UserID) -> Int? {
        id.rawValue > 0 && id.rawValue <= users.count ? Int(id.rawValue) - 1 : nil
    }

    private static func user(_ place: Int, _ row: UserRow) -> User {
        User(
            id: UserID(Int64(place + 1)), username: row.username, email: row.email, role: row.role,
            disabledAt: row.disabledAt, createdAt: row.createdAt, updatedAt: row.updatedAt)
    }

    private static func standing(_ row: UserRow) -> UserStanding {
        UserStanding(role: row.role, tokenVersion: row.tokenVersion, isDisabled: row.disabledAt != nil)
    }
}
