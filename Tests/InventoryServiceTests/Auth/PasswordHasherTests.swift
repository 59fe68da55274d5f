import LabCrypto
import Testing

@testable import InventoryService

@Suite struct PasswordHasherTests {
    private func withHasher(
        _ threads: Int = 2, queue: Int = 256, _ body: (PasswordHasher) async throws -> Void
    ) async throws {
        let hasher = PasswordHasher(cost: 4, threads: threads, queue: queue)
        try await body(hasher)
        await hasher.shutDown()
    }

    static let passwords = [
        "secret12", String(repeating: "a", count: 72), String(repeating: "a", count: 73),
        String(repeating: "한", count: 100), "nul\0inside", String(repeating: "p", count: 1024), "🔒🔑🗝️🔐🔏🛡️⚔️🧱",
    ]

    @Test("A password fits its hash and no other does", arguments: passwords)
    func verification(password: String) async throws {
        try await withHasher { hasher async throws in
            let hash = try await hasher.hash(password)
            #expect(hash.stored.utf8.count <= 255)
            #expect(try await hasher.verify(password, against: hash))
            #expect(try await !hasher.verify(password + "x", against: hash))
            #expect(try await !hasher.verify(String(password.dropLast()), against: hash))
        }
    }

    @Test("The same password gives another hash each time")
    func salts() async throws {
        try await withHasher { hasher async throws in
            let first = try await hasher.hash("secret12")
            let second = try await hasher.hash("secret12")
            #expect(first != second)
        }
    }

    @Test("S19 · bcrypt's 72 bytes do not cut a password: two that differ in byte 73 are two")
    func longPasswords() async throws {
        try await withHasher { hasher async throws in
            let stem = String(repeating: "a", count: 72)
            let hash = try await hasher.hash(stem + "1")
            #expect(try await !hasher.verify(stem + "2", against: hash))
            #expect(try await !hasher.verify(stem, against: hash))
            let short = try await hasher.hash(stem)
            #expect(try await !hasher.verify(stem + "1", against: short))
        }
    }

    @Test("S20 · a NUL does not end a password")
    func nulPasswords() async throws {
        try await withHasher { hasher async throws in
            let hash = try await hasher.hash("nul\0inside")
            #expect(try await !hasher.verify("nul\0outside", against: hash))
            #expect(try await !hasher.verify("nul", against: hash))
        }
    }

    @Test("The stored text says how it was made, with bcrypt's own prefix and cost")
    func storedForm() async throws {
        try await withHasher { hasher async throws in
            #expect(try await hasher.hash("secret12").stored.hasPrefix("bcrypt:$2b$04$"))
            let long = try await hasher.hash(String(repeating: "a", count: 73))
            #expect(long.stored.hasPrefix("bcrypt-hmac-sha256:$2b$04$"))
        }
    }

    @Test("A known bcrypt hash of another implementation fits")
    func knownAnswer() async throws {
        // Test vector of OpenBSD's bcrypt for "U*U" (published with crypt_blowfish), as $2b$.
        let hash = PasswordHash(
            stored: "bcrypt:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
        try await withHasher { hasher async throws in
            #expect(try await hasher.verify("U*U", against: hash))
            #expect(try await !hasher.verify("U*V", against: hash))
        }
    }

    @Test("Without a hash, and with one of an unknown form, no password fits")
    func noHash() async throws {
        try await withHasher { hasher async throws in
            #expect(try await !hasher.verify("secret12", against: nil))
            #expect(try await !hasher.verify("secret12", against: PasswordHash(stored: "plain:secret12")))
            #expect(try await !hasher.verify("", against: PasswordHash(stored: "")))
        }
    }

    @Test(
        "S25 · a broken bcrypt text is an error, never a match",
        arguments: [
            "*0", "*1", "$2b$04$", "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$04$!!!!!!!!!!!!!!!!!!!!!!E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$1$salt$hash", "",
        ])
    func brokenHash(text: String) async throws {
        try await withHasher { hasher async throws in
            for scheme in ["bcrypt", "bcrypt-hmac-sha256"] {
                let broken = PasswordHash(stored: "\(scheme):\(text)")
                for password in ["*0", "*1", "", text] {
                    let code = try await code { _ = try await hasher.verify(password, against: broken) }
                    #expect(code == .cryptoFailed, "\(scheme) \(password)")
                }
            }
        }
    }

    @Test("S25 · two texts are compared in a time that tells their length alone: all bytes, by libcrypto")
    func comparison() {
        let text = Array("$2b$04$abcdefghijklmnopqrstuv".utf8)
        #expect(OpenSSL.areEqual(text, text))
        #expect(OpenSSL.areEqual([], []))
        for index in text.indices {
            var other = text
            other[index] ^= 1
            #expect(!OpenSSL.areEqual(text, other), "byte \(index)")
        }
        #expect(!OpenSSL.areEqual(text, text.dropLast()))
        #expect(!OpenSSL.areEqual(text, text + [0]))
    }

    @Test("S25 · many passwords at once are hashed by eight threads, each right")
    func concurrency() async throws {
        try await withHasher(8) { hasher async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<80 {
                    group.addTask {
                        let hash = try await hasher.hash("password-\(number)")
                        let isOther = try await hasher.verify("password-\(number + 1)", against: hash)
                        let isRight = try await hasher.verify("password-\(number)", against: hash)
                        return isRight && !isOther
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test("A full queue refuses")
    func fullQueue() async throws {
        try await withHasher(queue: 0) { hasher async throws in
            #expect(try await code { _ = try await hasher.hash("secret12") } == .hashingOverloaded)
        }
    }

    @Test("After the threads have ended there is an error, not a wait")
    func afterShutDown() async throws {
        let hasher = PasswordHasher(cost: 4)
        await hasher.shutDown()
        #expect(try await code { _ = try await hasher.hash("secret12") } == .cryptoFailed)
    }

    @Test("A hash does not show itself in a log")
    func redacted() {
        #expect("\(PasswordHash(stored: "bcrypt:$2b$secret"))" == "<password hash>")
    }
}
