import LabCrypto

/// One step of the schema: a name that is never used again, and what it does.
package struct MigrationStep: Sendable, Hashable {
    package let name: String
    package let statements: [String]

    package init(_ name: String, _ statements: [String]) {
        self.name = name
        self.statements = statements
    }

    /// SHA-256 of the statements, in 64 hexadecimal digits.
    package var checksum: String {
        OpenSSL.sha256(Array(statements.joined(separator: ";\n").utf8)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
