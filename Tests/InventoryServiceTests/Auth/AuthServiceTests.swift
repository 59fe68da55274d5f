import InventoryService
import RedisClient
import Testing

@Suite struct AuthServiceTests {
    private func withAuth(_ body: (AuthService<SQLiteLedger>, Shop) async throws -> Void) async throws {
        try await withShop { shop async throws in
            let hasher = PasswordHasher(cost: 4)
            let tokens = try AccessTokens(.init(secret: Secret("a secret of more than thirty-two bytes")))
            try await body(AuthService(store: shop.ledger, hasher: hasher, tokens: tokens), shop)
            await hasher.shutDown()
        }
    }

    @Test("A user registers, signs in, and is known by the token")
    func wholeWay() async throws {
        try await withAuth { auth, _ async throws in
            let outcome = try await auth.register(
                username: "ann", password: "secret12", email: "ann@example.org")
            guard case .created(let user) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(user.username == "ann")
            #expect(user.role == .user)
            let signIn = try #require(try await auth.authenticate(username: "ann", password: "secret12"))
            #expect(try auth.verify(signIn.token.revealed) == user.id)
            #expect(try await auth.currentUser(token: signIn.token.revealed) == user)
        }
    }

    @Test("A name or an address that is taken is said so")
    func taken() async throws {
        try await withAuth { auth, _ async throws in
            _ = try await auth.register(username: "ann", password: "secret12", email: "ann@example.org")
            #expect(try await auth.register(username: "ann", password: "secret34") == .usernameTaken)
            #expect(
                try await auth.register(username: "bea", password: "secret34", email: "ann@example.org")
                    == .emailTaken)
        }
    }

    @Test(
        "A wrong password, an unknown user and an endless password all give the same nothing",
        arguments: [
            ("ann", "secret13"), ("nobody", "secret12"), ("ann", String(repeating: "s", count: 5000)),
            ("ann", ""), ("", "secret12"), ("ann' OR 1=1--", "secret12"),
        ])
    func wrongCredentials(name: String, password: String) async throws {
        try await withAuth { auth, _ async throws in
            _ = try await auth.register(username: "ann", password: "secret12")
            #expect(try await auth.authenticate(username: name, password: password) == nil)
        }
    }

    @Test(
        "Fields that break their rule are named",
        arguments: [
            ("", "secret12", nil, "username"), ("   ", "secret12", nil, "username"),
            (String(repeating: "u", count: 51), "secret12", nil, "username"),
            ("a\nb", "secret12", nil, "username"), ("ann", "secret1", nil, "password"),
            ("ann", String(repeating: "p", count: 1025), nil, "password"), ("ann", "secret12", "", "email"),
            ("ann", "secret12", "no address", "email"), ("ann", "secret12", "a@b@c", "email"),
            ("ann", "secret12", "@b", "email"),
            ("ann", "secret12", String(repeating: "e", count: 99) + "@b", "email"),
        ] as [(String, String, String?, String)])
    func badFields(name: String, password: String, email: String?, field: String) async throws {
        try await withAuth { auth, _ async throws in
            do {
                _ = try await auth.register(username: name, password: password, email: email)
                Issue.record("accepted")
            } catch let error as InventoryError {
                #expect(error.code == .invalidField)
                #expect(error.field == field)
            }
        }
    }

    @Test("The token of a user that does not exist any more names nobody")
    func vanishedUser() async throws {
        try await withAuth { auth, _ async throws in
            #expect(try await code { _ = try await auth.currentUser(UserID(99)) } == .unknownUser)
        }
    }
}
