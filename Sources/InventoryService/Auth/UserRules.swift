/// What a new user's fields must be.
package enum UserRules {
    static func check(username: String, password: String, email: String?) throws(InventoryError) {
        try checkUsername(username)
        if let email { try checkEmail(email) }
        try PasswordRules.check(password, context: context(username, email))
    }

    /// Words that an attacker tries first for this user.
    static func context(_ username: String, _ email: String?) -> [String] {
        [username] + (email?.split(separator: "@").prefix(1).map(String.init) ?? [])
    }

    private static func checkUsername(_ name: String) throws(InventoryError) {
        guard lengths.contains(name.unicodeScalars.count) else {
            throw .invalid("username", "must have 1 to 50 characters")
        }
        guard hasOnlyText(name) else {
            throw .invalid("username", "must not be blank or hold control characters")
        }
    }

    private static let lengths = 1...50

    private static func hasOnlyText(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy { !isControl($0) } && name.contains { !$0.isWhitespace }
    }

    /// Whether a user can have this name.
    package static func isUsername(_ name: String) -> Bool {
        lengths.contains(name.unicodeScalars.count) && hasOnlyText(name)
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
