import Foundation
import LabCrypto
import RedisClient
import Synchronization
import Testing

@testable import InventoryService

@Suite struct AccessTokensTests {
    private static let secret = Secret("a secret of more than thirty-two bytes")
    fileprivate static let start: Timestamp = Timestamp(microseconds: 1_800_000_000_000_000)

    /// A clock that stands still until it is set.
    private final class SettableClock: Sendable {
        let time = Mutex(AccessTokensTests.start)

        var clock: WallClock { WallClock { self.time.withLock { $0 } } }

        func advance(_ duration: Duration) {
            time.withLock { $0 = $0.advanced(by: duration) }
        }
    }

    private func tokens(_ clock: SettableClock = SettableClock()) throws -> AccessTokens {
        try AccessTokens(.init(secret: Self.secret), clock: clock.clock)
    }

    private func claims(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> String {
        let now = Self.start.seconds
        var claims: [String: Any] = [
            "iss": "lock-strategy-lab", "aud": "lock-strategy-lab/api", "sub": "7", "exp": now + 60,
            "iat": now, "nbf": now, "ver": 3,
        ]
        change(&claims)
        return Base64.encodeURL(Array(try JSONSerialization.data(withJSONObject: claims)))
    }

    private func header(_ text: String) -> String { Base64.encodeURL(Array(text.utf8)) }

    private func isRefused(_ tokens: AccessTokens, _ token: String) -> Bool {
        do throws(InventoryError) {
            _ = try tokens.verify(token)
            return false
        } catch {
            return error.code == .invalidToken
        }
    }

    @Test("A token speaks for the user that it was issued for, first and second time")
    func roundTrip() throws {
        let tokens = try tokens()
        let issued = try tokens.issue(for: UserID(42), version: 3)
        #expect(issued.expiresIn == .seconds(3600))
        #expect(try tokens.verify(issued.token.revealed) == .init(user: UserID(42), version: 3))
        #expect(try tokens.verify(issued.token.revealed) == .init(user: UserID(42), version: 3))
        #expect("\(issued)".contains("eyJ") == false)
    }

    @Test("Signing follows the example of RFC 7515, appendix A.1")
    func knownAnswer() throws {
        // The example's key is given in base64url; its 64 bytes are not UTF-8, so HMAC is called below.
        let key = try #require(
            Base64.decodeURL(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow".utf8)
        )
        let signed =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let signature = try #require(OpenSSL.hmacSHA256(key: key, message: Array(signed.utf8)))
        #expect(Base64.encodeURL(signature) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    }

    @Test(
        "S08 · S09 · S10 · S11 · a header that is not this service's is refused even when the signature is right",
        arguments: [
            #"{"alg":"none","typ":"at+jwt"}"#, #"{"alg":"HS512","typ":"at+jwt"}"#,
            #"{"alg":"HS256","typ":"JWT"}"#, #"{"alg":"HS256"}"#,
            #"{"alg":"HS256","crit":["x"],"typ":"at+jwt"}"#,
            #"{"alg":"HS256","kid":"../../x","typ":"at+jwt"}"#,
            #"{"alg":"HS256","kid":"' OR 1=1--","typ":"at+jwt"}"#,
            #"{"alg":"HS256","typ":"at+jwt","typ":"at+jwt"}"#, "", "{}",
        ])
    func foreignHeader(text: String) throws {
        let tokens = try tokens()
        #expect(isRefused(tokens, try tokens.sign(header: header(text), payload: claims())))
    }

    @Test("The same claims under the right header are accepted: the test above refuses headers only")
    func rightHeader() throws {
        let tokens = try tokens()
        let token = try tokens.sign(header: AccessTokens.header, payload: claims())
        #expect(try tokens.verify(token) == .init(user: UserID(7), version: 3))
    }

    private static let wrongClaimCases: [(String, @Sendable (inout [String: Any]) -> Void)] = [
        ("expired", { $0["exp"] = start.seconds - 6 }),
        ("exp missing", { $0["exp"] = nil }),
        ("exp a text", { $0["exp"] = "1900000000" }),
        ("exp beyond numbers", { $0["exp"] = 1e308 }),
        ("not yet valid", { $0["nbf"] = start.seconds + 6 }),
        ("issued in the future", { $0["iat"] = start.seconds + 6 }),
        (
            "issued after its end",
            {
                $0["iat"] = start.seconds + 5
                $0["exp"] = start.seconds + 1
            }
        ),
        ("nbf missing", { $0["nbf"] = nil }),
        ("other issuer", { $0["iss"] = "somebody" }),
        ("issuer missing", { $0["iss"] = nil }),
        ("other audience", { $0["aud"] = "lock-strategy-lab" }),
        ("audience a list", { $0["aud"] = ["lock-strategy-lab/api"] }),
        ("subject missing", { $0["sub"] = nil }),
        ("subject a number", { $0["sub"] = 7 }),
        ("subject no number", { $0["sub"] = "7 OR 1=1" }),
        ("subject with a zero before", { $0["sub"] = "07" }),
        ("subject zero", { $0["sub"] = "0" }),
        ("version missing", { $0["ver"] = nil }),
        ("version a text", { $0["ver"] = "3" }),
    ]

    @Test("S12 · S13 · claims that are wrong or missing are refused", arguments: wrongClaimCases.indices)
    func wrongClaims(index: Int) throws {
        let (name, change) = Self.wrongClaimCases[index]
        let tokens = try tokens()
        let token = try tokens.sign(header: AccessTokens.header, payload: claims(change))
        #expect(isRefused(tokens, token), "\(name)")
    }

    @Test("S07 · a token without its signature is refused, whatever its header says")
    func unsigned() throws {
        let tokens = try tokens()
        for header in [AccessTokens.header, header(#"{"alg":"none","typ":"at+jwt"}"#)] {
            let payload = try claims()
            #expect(isRefused(tokens, "\(header).\(payload)."))
            #expect(isRefused(tokens, "\(header).\(payload)"))
        }
    }

    @Test("S14 · a flipped bit anywhere makes a token invalid")
    func flippedBits() throws {
        let tokens = try tokens()
        let token = try tokens.issue(for: UserID(42), version: 3).token.revealed
        for index in token.utf8.indices {
            var bytes = Array(token.utf8)
            let position = token.utf8.distance(from: token.utf8.startIndex, to: index)
            bytes[position] ^= 1
            let changed = String(decoding: bytes, as: UTF8.self)
            #expect(isRefused(tokens, changed), "byte \(position)")
        }
    }

    @Test(
        "S14 · texts that are no token are refused",
        arguments: [
            "", ".", "..", "a.b.c", "a.b.c.d", "....", String(repeating: "a", count: 1 << 20), "é.é.é",
        ])
    func noToken(text: String) throws {
        #expect(isRefused(try tokens(), text))
    }

    @Test("S14 · a token with a fourth part, padding or spare bits in its signature is refused")
    func malleability() throws {
        let tokens = try tokens()
        let token = try tokens.issue(for: UserID(42), version: 3).token.revealed
        #expect(isRefused(tokens, token + "."))
        #expect(isRefused(tokens, token + "="))
        // The last character of 32 bytes carries two spare bits: the next character of the alphabet
        // would give the same bytes to a lenient decoder.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = try #require(token.last.flatMap { alphabet.firstIndex(of: $0) })
        #expect(isRefused(tokens, token.dropLast() + String(alphabet[last ^ 1])))
    }

    @Test("S13 · a token of another secret is refused")
    func otherSecret() throws {
        let other = try AccessTokens(.init(secret: Secret("another secret of thirty-two bytes!!")))
        #expect(isRefused(try tokens(), try other.issue(for: UserID(1), version: 3).token.revealed))
    }

    @Test("S12 · a token ends, also when it was verified before; the leeway is kept to the second")
    func expiry() throws {
        let clock = SettableClock()
        let tokens = try tokens(clock)
        let token = try tokens.issue(for: UserID(42), version: 3).token.revealed
        #expect(try tokens.verify(token) == .init(user: UserID(42), version: 3))
        clock.advance(.seconds(3604))
        #expect(try tokens.verify(token) == .init(user: UserID(42), version: 3))
        clock.advance(.seconds(1))
        #expect(isRefused(tokens, token))
    }

    @Test("A secret below 32 bytes is refused", arguments: [0, 1, 31])
    func shortSecret(count: Int) {
        let error = #expect(throws: InventoryError.self) {
            try AccessTokens(.init(secret: Secret(String(repeating: "s", count: count))))
        }
        #expect(error?.code == .unsafeConfiguration)
    }

    @Test("base64url is read strictly", arguments: ["A", "AB=", "A+", "A/", "AB", "A A"])
    func strictBase64(text: String) {
        #expect(Base64.decodeURL(text.utf8) == nil)
    }

    @Test("base64url reads what it writes", arguments: 0..<40)
    func base64RoundTrip(count: Int) throws {
        let bytes = try #require(OpenSSL.randomBytes(count))
        #expect(Base64.decodeURL(Base64.encodeURL(bytes).utf8) == bytes)
    }
}
