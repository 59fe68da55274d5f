import Testing

@testable import InventoryService

@Suite struct PasswordRulesTests {
    @Test(
        "S21 · a password that is guessed first is refused",
        arguments: [
            "password", "Password1", "p@ssw0rd", "PASSW0RD123!", "12345678", "87654321", "11111111",
            "abcabcabc",
            "qwertyuiop", "1qaz2wsx", "iloveyou1", "letmein123", "!!admin2024!!", "asdfghjkl", "aaaaaaab",
            "administrator",
        ])
    func guessed(password: String) {
        #expect(PasswordRules.isGuessedFirst(password))
    }

    @Test(
        "S21 · what is long enough and not among them is taken, of any characters",
        arguments: [
            "lab-test-12", "correct horse battery", "한국어 비밀번호입니다", "x7Kp2mQz", "        eight spaces",
            "passwordless entry", String(repeating: "long and fine ", count: 70), "🔒🔑🗝️🔐🔏🛡️⚔️🧱",
        ])
    func taken(password: String) throws {
        #expect(!PasswordRules.isGuessedFirst(password))
        try PasswordRules.check(password, context: [])
    }

    @Test(
        "S21 · a password made of the user's own name is refused, a long phrase that holds it is not",
        arguments: [("annette1", true), ("xxAnnette", true), ("annette likes long walks", false)])
    func context(password: String, isRefused: Bool) {
        var wasRefused = false
        do throws(InventoryError) {
            try PasswordRules.check(password, context: ["annette"])
        } catch {
            wasRefused = error.code == .invalidField
        }
        #expect(wasRefused == isRefused)
    }
}

@Suite struct TimestampReadingTests {
    @Test(
        "A date and time of RFC 3339 is read, with fraction and offset",
        arguments: [
            ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000Z"),
            ("2026-01-31t09:30:00.5z", "2026-01-31T09:30:00.500000Z"),
            ("2026-01-31T09:30:00.123456789Z", "2026-01-31T09:30:00.123456Z"),
            ("2026-01-31T09:30:00+09:00", "2026-01-31T00:30:00.000000Z"),
            ("2026-01-31T23:30:00-01:30", "2026-02-01T01:00:00.000000Z"),
        ])
    func good(text: String, expected: String) {
        #expect(Timestamp(rfc3339: text)?.description == expected)
    }

    @Test(
        "Anything else is not",
        arguments: [
            "", "2026-01-31", "2026-01-31T09:30:00", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z",
            "2026-01-31T09:30:00.Z", "2026-01-31T09:30:00+0900", "1969-12-31T23:59:59Z",
            "2026-01-31T09:30:00+24:00", "2026-01-31 09:30:00Z'--",
        ])
    func bad(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}
