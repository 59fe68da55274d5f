import Foundation
import LabCrypto
public import RedisClient
import Synchronization

/// Access tokens: JWT signed with HS256, as RFC 9068 types them (`at+jwt`).
///
/// A token is accepted only in the form that this type writes. Its header must be that header, byte for
/// byte, which settles `alg`, `typ`, `kid` and `crit` (RFC 8725, 3.1 and 3.11) before any cryptography. Then
/// the signature is compared in constant time, and only then are the claims read. A token that was verified
/// is remembered, so the next request with it costs a look-up; its times are checked every time.
public final class AccessTokens: Sendable {
    public struct Settings: Sendable, Hashable {
        /// The key; at least 32 bytes.
        public var secret: Secret
        public var issuer: String
        public var audience: String
        public var lifetime: Duration
        /// How far the clocks of two servers may differ.
        public var leeway: Duration

        public init(
            secret: Secret, issuer: String = "lock-strategy-lab", audience: String = "lock-strategy-lab/api",
            lifetime: Duration = .seconds(3600), leeway: Duration = .seconds(5)
        ) {
            self.secret = secret
            self.issuer = issuer
            self.audience = audience
            self.lifetime = lifetime
            self.leeway = leeway
        }
    }

    public static let leastSecretBytes = 32
    static let header = Base64.encodeURL(Array(#"{"alg":"HS256","typ":"at+jwt"}"#.utf8))
    private static let longestToken = 4096
    private static let rememberedTokens = 10_000

    struct Claims: Codable, Sendable, Hashable {
        let iss: String
        let aud: String
        let sub: String
        let exp: Int64
        let iat: Int64
        let nbf: Int64
        /// The user's token version when the token was issued.
        let ver: Int64
    }

    /// Whom a token speaks for, and under which version of the user's tokens it was issued.
    public struct Subject: Sendable, Hashable {
        public let user: UserID
        public let version: Int64
    }

    private struct Verified: Sendable {
        let subject: Subject
        let claims: Claims
    }

    private let settings: Settings
    private let key: [UInt8]
    private let clock: WallClock
    private let verified = Mutex<[String: Verified]>([:])

    /// - Throws: ``InventoryError`` with `.unsafeConfiguration` when the secret is shorter than 32 bytes.
    public init(_ settings: Settings, clock: WallClock = .system) throws(InventoryError) {
        key = Array(settings.secret.revealed.utf8)
        guard key.count >= Self.leastSecretBytes else {
            throw InventoryError(
                .unsafeConfiguration,
                "the token secret has \(key.count) bytes and needs at least \(Self.leastSecretBytes)")
        }
        self.settings = settings
        self.clock = clock
    }

    /// A token for the user, and how long it lives.
    ///
    /// - Parameter version: The user's ``UserStanding/tokenVersion``.
    public func issue(
        for user: UserID, version: Int64
    ) throws(InventoryError) -> (token: Secret, expiresIn: Duration) {
        let now = clock.now
        let claims = Claims(
            iss: settings.issuer, aud: settings.audience, sub: user.description,
            exp: now.advanced(by: settings.lifetime).seconds, iat: now.seconds, nbf: now.seconds, ver: version
        )
        return (Secret(try sign(claims)), settings.lifetime)
    }

    func sign(_ claims: Claims) throws(InventoryError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let payload = try? encoder.encode(claims) else {
            throw InventoryError(.cryptoFailed, "the claims cannot be written")
        }
        return try sign(header: Self.header, payload: Base64.encodeURL(Array(payload)))
    }

    func sign(header: String, payload: String) throws(InventoryError) -> String {
        let body = header + "." + payload
        let signature = try Self.signature(Array(body.utf8), key: key)
        return body + "." + Base64.encodeURL(signature)
    }

    private static func signature(_ message: [UInt8], key: [UInt8]) throws(InventoryError) -> [UInt8] {
        guard let signature = OpenSSL.hmacSHA256(key: key, message: message) else {
            throw InventoryError(.cryptoFailed, "HMAC failed")
        }
        return signature
    }

    /// The user and the version that the token was issued for. Whether that version still counts is the
    /// ledger's to say.
    ///
    /// - Throws: ``InventoryError`` with `.invalidToken`, whatever is wrong.
    public func verify(_ token: String) throws(InventoryError) -> Subject {
        if let known = verified.withLock({ $0[token] }) {
            try checkTimes(known.claims)
            return known.subject
        }
        let claims = try authenticClaims(of: token)
        try checkTimes(claims)
        guard claims.iss == settings.issuer, claims.aud == settings.audience else {
            throw Self.invalid("the token is for another service")
        }
        guard let number = Int64(claims.sub), number > 0, String(number) == claims.sub else {
            throw Self.invalid("the token names no user")
        }
        let subject = Subject(user: UserID(number), version: claims.ver)
        verified.withLock { verified in
            // Forgetting all at once is rare and costs each live token one verification.
            if verified.count >= Self.rememberedTokens { verified.removeAll(keepingCapacity: true) }
            verified[token] = Verified(subject: subject, claims: claims)
        }
        return subject
    }

    private func authenticClaims(of token: String) throws(InventoryError) -> Claims {
        guard token.utf8.count <= Self.longestToken else { throw Self.invalid("the token is too long") }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw Self.invalid("the token has not three parts") }
        guard parts[0].elementsEqual(Self.header.utf8) else {
            throw Self.invalid("the token's header is not one of this service")
        }
        guard let signature = Base64.decodeURL(parts[2]) else {
            throw Self.invalid("the token's signature is not base64url")
        }
        let signed = Array(bytes[..<(bytes.count - parts[2].count - 1)])
        guard OpenSSL.areEqual(try Self.signature(signed, key: key), signature) else {
            throw Self.invalid("the token's signature is wrong")
        }
        guard let payload = Base64.decodeURL(parts[1]),
            let claims = try? JSONDecoder().decode(Claims.self, from: Data(payload))
        else { throw Self.invalid("the token's claims cannot be read") }
        return claims
    }

    private func checkTimes(_ claims: Claims) throws(InventoryError) {
        let now = clock.now.seconds
        let leeway = settings.leeway.components.seconds
        guard claims.exp > now - leeway else { throw Self.invalid("the token has expired") }
        guard claims.nbf <= now + leeway, claims.iat <= now + leeway, claims.iat <= claims.exp else {
            throw Self.invalid("the token is not valid yet")
        }
    }

    private static func invalid(
        _ sentence: String, file: String = #fileID, line: Int = #line
    ) -> InventoryError {
        InventoryError(.invalidToken, sentence, file: file, line: line)
    }
}
