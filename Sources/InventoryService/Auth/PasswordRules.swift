/// Which passwords a user may choose: 8 to 1024 characters of any kind, none that is guessed first.
///
/// No rules of composition (NIST SP 800-63B, 5.1.1.2). Eight characters and no second factor is what
/// ASVS 6.2.1 allows; the guesses that such a password must withstand are limited at the sign-in.
enum PasswordRules {
    static let lengths = 8...1024

    /// - Parameters:
    ///   - password: As the user typed it.
    ///   - context: Words that an attacker tries first for this user: the name, the e-mail address.
    ///   - field: The field of the request that is named.
    static func check(
        _ password: String, context: [String], field: String = "password"
    ) throws(InventoryError) {
        guard lengths.contains(password.unicodeScalars.count) else {
            throw .invalid(field, "must have 8 to 1024 characters")
        }
        guard !isGuessedFirst(password) else {
            throw .invalid(field, "is among those that are guessed first; choose another")
        }
        let plain = password.lowercased()
        for word in context.map({ $0.lowercased() }) where word.unicodeScalars.count >= 4 {
            // A long pass phrase may hold the name; a name with a number behind it is no password.
            if plain.contains(word), plain.unicodeScalars.count < word.unicodeScalars.count + 6 {
                throw .invalid(field, "must not be built from the user name or the e-mail address")
            }
        }
    }

    /// Words that lists of leaked passwords are full of, most of them with digits or signs around them.
    private static let words: Set<String> = [
        "password", "passwort", "passw", "pass", "passwd", "qwerty", "qwertyuiop", "qwertz", "azerty",
        "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "qazwsx", "qazwsxedc", "iloveyou", "letmein", "welcome",
        "admin", "administrator", "root", "login", "master", "monkey", "dragon", "sunshine", "princess",
        "football", "baseball", "basketball", "superman", "batman", "pokemon", "starwars", "trustno",
        "shadow",
        "michael", "jennifer", "jordan", "ashley", "charlie", "daniel", "jessica", "freedom", "whatever",
        "computer", "internet", "samsung", "google", "facebook", "changeme", "default", "access", "secret",
        "test", "testtest", "hello", "helloworld", "abc", "abcd", "abcdef", "killer", "cheese", "ninja",
        "mustang", "corvette", "mercedes", "ferrari", "liverpool", "chelsea", "arsenal", "barcelona",
        "yankees", "lakers", "summer", "winter", "spring", "autumn", "monday", "friday", "january",
        "december",
        "qweasd", "qweasdzxc", "asd", "qwe", "zxc", "letmeinnow", "loveyou", "lovely", "babygirl", "angel",
        "matrix", "merlin", "phoenix", "thunder", "hunter", "ranger", "soccer", "hockey", "tigger", "buster",
        "pepper", "ginger", "cookie", "summerlove", "labserver",
    ]

    private static let rows = [
        "01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv",
        "qazwsxedcrfv", "1q2w3e4r5t6y7u8i9o0p",
    ]

    static func isGuessedFirst(_ password: String) -> Bool {
        let plain = password.lowercased()
        guard plain.count <= 24 else { return false }
        if CommonPasswords.contains(plain) || Set(plain).count <= 2 { return true }
        if rows.contains(where: { $0.contains(plain) || String($0.reversed()).contains(plain) }) {
            return true
        }
        if isRepeated(plain) { return true }
        let core = String(plain.drop { !$0.isLetter }.reversed().drop { !$0.isLetter }.reversed())
        return words.contains(core) || words.contains(String(core.map { substitutes[$0] ?? $0 }))
    }

    private static let substitutes: [Character: Character] = [
        "0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i",
    ]

    /// A piece of at most four characters again and again.
    private static func isRepeated(_ text: String) -> Bool {
        let characters = Array(text)
        return (1...4).contains { length in
            characters.count >= 2 * length
                && characters.indices.allSatisfy { characters[$0] == characters[$0 % length] }
        }
    }
}
