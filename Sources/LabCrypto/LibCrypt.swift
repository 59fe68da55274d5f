import CLibCrypt

/// bcrypt of the system's libxcrypt, as plain Swift. Blocks its thread for as long as its cost says.
package enum LibCrypt {
    /// `$2b$`, the cost and the salt; nil when libxcrypt refuses them.
    ///
    /// - Parameter salt: 16 bytes.
    package static func setting(cost: Int, salt: [UInt8]) -> String? {
        var text = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let result = unsafe salt.withUnsafeBytes { salt in
            unsafe crypt_gensalt_rn(
                "$2b$", CUnsignedLong(cost), salt.baseAddress, CInt(salt.count), &text, CInt(text.count))
        }
        guard unsafe result != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The hash of a phrase, or nil when the setting is none of bcrypt.
    ///
    /// - Parameters:
    ///   - phrase: bcrypt reads 72 bytes of it, and C stops at NUL.
    ///   - setting: A setting or a whole hash: bcrypt reads cost and salt, the first 29 characters.
    package static func hash(_ phrase: String, setting: String) -> String? {
        var working = [UInt8](repeating: 0, count: MemoryLayout<crypt_data>.size)
        defer { OpenSSL.wipe(&working) }
        let hash = unsafe working.withUnsafeMutableBytes { working -> String? in
            guard
                let text = unsafe crypt_rn(phrase, setting, working.baseAddress, CInt(working.count))
            else { return nil }
            return unsafe String(cString: text)
        }
        return hash?.hasPrefix("$2b$") == true ? hash : nil
    }
}
