import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

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
                username: "ann", password: "lab-test-12", email: "ann@example.org")
            guard case .created(let user) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(user.username == "ann")
            #expect(user.role == .user)
            let signIn = try #require(try await auth.authenticate(username: "ann", password: "lab-test-12"))
            let caller = try await auth.verify(signIn.token.revealed)
            #expect(caller == .init(user: user.id, role: .user))
            #expect(try await auth.currentUser(caller.user) == user)
        }
    }

    @Test("A name or an address that is taken is said so")
    func taken() async throws {
        try await withAuth { auth, _ async throws in
            _ = try await auth.register(username: "ann", password: "lab-test-12", email: "ann@example.org")
            #expect(try await auth.register(username: "ann", password: "lab-test-34") == .usernameTaken)
            #expect(
                try await auth.register(username: "bea", password: "lab-test-34", email: "ann@example.org")
                    == .emailTaken)
        }
    }

    @Test(
        "A wrong password, an unknown user and an endless password all give the same nothing",
        arguments: [
            ("ann", "lab-test-13"), ("nobody", "lab-test-12"), ("ann", String(repeating: "s", count: 5000)),
            ("ann", ""), ("", "lab-test-12"), ("ann' OR 1=1--", "lab-test-12"),
        ])
    func wrongCredentials(name: String, password: String) async throws {
        try await withAuth { auth, _ async throws in
            _ = try await auth.register(username: "ann", password: "lab-test-12")
            #expect(try await auth.authenticate(username: name, password: password) == nil)
        }
    }

    @Test(
        "Fields that break their rule are named",
        arguments: [
            ("", "lab-test-12", nil, "username"), ("   ", "lab-test-12", nil, "username"),
            (String(repeating: "u", count: 51), "lab-test-12", nil, "username"),
            ("a\nb", "lab-test-12", nil, "username"), ("ann", "secret1", nil, "password"),
            ("ann", String(repeating: "p", count: 1025), nil, "password"),
            ("ann", "lab-test-12", "", "email"),
            ("ann", "lab-test-12", "no address", "email"), ("ann", "lab-test-12", "a@b@c", "email"),
            ("ann", "lab-test-12", "@b", "email"),
            ("ann", "lab-test-12", String(repeating: "e", count: 99) + "@b", "email"),
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

    @Test("S25 · a hash of fewer rounds is made anew at the sign-in, and by the right password only")
    func costUpgrade() async throws {
        try await withAuth { auth, shop async throws in
            _ = try await auth.register(username: "ann", password: "lab-test-12")
            let before = try #require(try await auth.authenticate(username: "ann", password: "lab-test-12"))
            func stored() async throws -> String? {
                try await shop.ledger.credentials(of: "ann")?.hash.stored
            }
            let old = try #require(try await stored())
            #expect(old.hasPrefix("bcrypt:$2b$04$"))
            let hasher = PasswordHasher(cost: 5)
            let tokens = try AccessTokens(.init(secret: Secret("a secret of more than thirty-two bytes")))
            let stronger = AuthService(store: shop.ledger, hasher: hasher, tokens: tokens)
            #expect(try await stronger.authenticate(username: "ann", password: "lab-test-13") == nil)
            #expect(try await stored() == old)
            #expect(try await stronger.authenticate(username: "ann", password: "lab-test-12") != nil)
            let new = try #require(try await stored())
            #expect(new.hasPrefix("bcrypt:$2b$05$"))
            #expect(try await stronger.authenticate(username: "ann", password: "lab-test-12") != nil)
            #expect(try await stored() == new)
            // The password is the same, so nobody is signed out.
            #expect(try await stronger.verify(before.token.revealed).user == before.user.id)
            // A server with fewer rounds leaves the better hash alone.
            #expect(try await auth.authenticate(username: "ann", password: "lab-test-12") != nil)
            #expect(try await stored() == new)
            await hasher.shutDown()
        }
    }

    @Test("The token of a user that does not exist any more names nobody")
    func vanishedUser() async throws {
        try await withAuth { auth, _ async throws in
            #expect(try await code { _ = try await auth.currentUser(UserID(99)) } == .unknownUser)
        }
    }
}
