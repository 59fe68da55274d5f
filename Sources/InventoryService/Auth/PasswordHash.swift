/// A password as it is stored: the way it was made, then the text of bcrypt. At most 255 characters.
public struct PasswordHash: Sendable, Hashable, CustomStringConvertible {
    enum Scheme: String {
        /// The password itself went into bcrypt: it has at most 72 bytes and no NUL.
        case bcrypt = "bcrypt"
        /// bcrypt reads 72 bytes and stops at NUL, so HMAC-SHA-256 of the password, with the salt as its
        /// key, went into it as base64: every byte counts, and no other hash of the password fits.
        case bcryptOverHMAC = "bcrypt-hmac-sha256"
    }

    /// `<scheme>:$2b$<cost>$<salt and hash>`
    public let stored: String

    public init(stored: String) {
        self.stored = stored
    }

    init(_ scheme: Scheme, _ bcrypt: String) {
        stored = scheme.rawValue + ":" + bcrypt
    }

    var parts: (scheme: Scheme, bcrypt: String)? {
        guard let colon = stored.firstIndex(of: ":"), let scheme = Scheme(rawValue: String(stored[..<colon]))
        else { return nil }
        return (scheme, String(stored[stored.index(after: colon)...]))
    }

    /// Hashes are not for logs.
    public var description: String { "<password hash>" }
}
