import COpenSSL

/// The few functions of libcrypto that the service uses, as plain Swift.
package enum OpenSSL {
    /// HMAC with SHA-256: 32 bytes; nil when libcrypto cannot.
    package static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: CUnsignedInt = 0
        let result = unsafe HMAC(
            EVP_sha256(), key, CInt(key.count), message, message.count, &digest, &length)
        return unsafe result != nil && length == 32 ? digest : nil
    }

    /// SHA-256: 32 bytes.
    package static func sha256(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = unsafe SHA256(message, message.count, &digest)
        return digest
    }

    /// Bytes of the cryptographically secure generator; nil when it has none.
    package static func randomBytes(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return unsafe RAND_bytes(&bytes, CInt(count)) == 1 ? bytes : nil
    }

    /// Compares in a time that depends on the length alone.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// Overwrites a buffer in a way that the compiler does not remove.
    package static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
