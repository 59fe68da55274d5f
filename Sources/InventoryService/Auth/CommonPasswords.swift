import LabCrypto

/// The 3,000 passwords that people use most, of those long enough to be taken here: what ASVS 6.2.4 has
/// refused.
///
/// The list is that of zxcvbn, by frequency in leaked accounts. What is kept of each is four bytes of its
/// SHA-256: a password that is none of them is taken for one once in 1.4 million times.
enum CommonPasswords {
    private static let known: Set<UInt32> = {
        guard let bytes = Base64.decodeURL(digests.utf8) else {
            preconditionFailure("the digests are not whole")
        }
        return Set(stride(from: 0, to: bytes.count, by: 4).map { word(bytes[$0..<$0 + 4]) })
    }()

    /// - Parameter password: In small letters: capitals make none of them better.
    static func contains(_ password: String) -> Bool {
        known.contains(word(OpenSSL.sha256(Array(password.utf8)).prefix(4)))
    }

    private static func word(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
