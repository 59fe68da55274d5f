import Foundation
import HTTPTypes
import LabTesting
import Logging
import RedisClient
import Testing

@testable import InventoryService
@testable import LabServerKit

/// Tokens as RFC 8725 warns of them, through the whole server. Each is a good token with one thing changed
/// and, where that is not the case itself, signed anew with the right key.
@Suite("Tokens that are not ours", .sharedLab)
struct TokenCaseTests {
    private let lab: Lab
    private let signer: AccessTokens

    init() throws {
        lab = try SharedLab.lab
        signer = try AccessTokens(.init(secret: Lab.secret))
    }

    private func token() async throws -> [String] {
        let token = try #require(try await lab.client.signedIn("holder").token)
        return token.split(separator: ".").map(String.init)
    }

    private func coded(_ text: String) -> String { Base64.encodeURL(Array(text.utf8)) }

    /// The claims of a good token with some of them changed.
    private func claims(_ change: (inout [String: Any]) -> Void) async throws -> String {
        let bytes = try #require(Base64.decodeURL(try await token()[1].utf8))
        let json = try JSONSerialization.jsonObject(with: Data(bytes))
        var claims = try #require(json as? [String: Any])
        change(&claims)
        return Base64.encodeURL(Array(try JSONSerialization.data(withJSONObject: claims)))
    }

    private func answer(to token: String) async throws -> ApiClient.Answer {
        var client = lab.client
        client.token = token
        return try await client.send(.get, "/api/auth/me")
    }

    private func expectRefused(
        _ token: String, _ name: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await answer(to: token)
        let isRefused =
            answer.status == 401 && answer.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#
            && answer.headers[.contentType] == "application/problem+json"
        #expect(isRefused, "\(name) \(answer.status) \(answer.text)", sourceLocation: sourceLocation)
    }

    @Test("The same way of making a token, with nothing changed, makes a good one")
    func control() async throws {
        let token = try signer.sign(header: AccessTokens.header, payload: try await claims { _ in })
        let answer = try await answer(to: token)
        #expect(answer.status == 200)
        #expect(answer.body["username"] as? String == "holder")
    }

    @Test(
        "S07 · a token without a signature is 401", arguments: ["none", "None", "NONE", "nOnE", "HS256", ""])
    func unsigned(algorithm: String) async throws {
        let payload = try await token()[1]
        let header = coded(#"{"alg":"\#(algorithm)","typ":"at+jwt"}"#)
        try await expectRefused("\(header).\(payload).")
        try await expectRefused("\(header).\(payload)")
    }

    @Test(
        "S08 · a good signature under a header that names no or another algorithm is 401",
        arguments: ["none", "HS512", "HS384", "RS256", "ES256", "hs256"])
    func otherAlgorithm(name: String) async throws {
        let header = coded(#"{"alg":"\#(name)","typ":"at+jwt"}"#)
        try await expectRefused(try signer.sign(header: header, payload: try await token()[1]))
    }

    @Test(
        "S09 · a good signature under another typ than at+jwt is 401",
        arguments: [#""JWT""#, #""jwt""#, #""id+jwt""#, "null", "1", #"["at+jwt"]"#])
    func otherType(type: String) async throws {
        let payload = try await token()[1]
        let header = coded(#"{"alg":"HS256","typ":\#(type)}"#)
        try await expectRefused(try signer.sign(header: header, payload: payload))
        try await expectRefused(
            try signer.sign(header: coded(#"{"alg":"HS256"}"#), payload: payload), "no typ")
    }

    @Test(
        "S10 · a header with crit is 401", arguments: [#"["x"]"#, #"["exp"]"#, "[]", #"["b64"],"b64":false"#])
    func critical(value: String) async throws {
        let header = coded(#"{"alg":"HS256","crit":\#(value),"typ":"at+jwt"}"#)
        try await expectRefused(try signer.sign(header: header, payload: try await token()[1]))
    }

    @Test(
        "S11 · a header that names a key, as a path, as SQL or from elsewhere, is 401",
        arguments: [
            #""kid":"1""#, #""kid":"../../../dev/null""#, #""kid":"' OR 1=1--""#,
            #""kid":"x' UNION SELECT 'k'""#,
            #""kid":null"#, #""jku":"http://127.0.0.1:1/keys""#, #""x5u":"http://127.0.0.1:1/x""#,
            #""jwk":{"kty":"oct","k":"AA"}"#,
        ])
    func namedKey(member: String) async throws {
        let header = coded(#"{"alg":"HS256",\#(member),"typ":"at+jwt"}"#)
        try await expectRefused(try signer.sign(header: header, payload: try await token()[1]))
    }

    private static func now() -> Int { Int(Date().timeIntervalSince1970) }

    private static let timeCases: [(String, @Sendable (inout [String: Any]) -> Void)] = [
        ("exp a minute past", { $0["exp"] = now() - 61 }),
        ("exp missing", { $0["exp"] = nil }),
        ("exp a text", { $0["exp"] = "4102444800" }),
        ("exp 1e308", { $0["exp"] = 1e308 }),
        ("exp negative", { $0["exp"] = -1 }),
        ("exp with a fraction", { $0["exp"] = Double(now()) + 600.5 }),
        ("nbf in the future", { $0["nbf"] = now() + 600 }),
        ("nbf missing", { $0["nbf"] = nil }),
        ("iat in the future", { $0["iat"] = now() + 600 }),
        ("iat missing", { $0["iat"] = nil }),
    ]

    @Test(
        "S12 · times that are past, to come, missing, texts or no whole numbers are 401",
        arguments: timeCases.indices)
    func times(index: Int) async throws {
        let (name, change) = Self.timeCases[index]
        let payload = try await claims(change)
        try await expectRefused(try signer.sign(header: AccessTokens.header, payload: payload), name)
    }

    private static let placeCases: [(String, @Sendable (inout [String: Any]) -> Void)] = [
        ("another issuer", { $0["iss"] = "lock-strategy-lab-staging" }),
        ("no issuer", { $0["iss"] = nil }),
        ("an empty issuer", { $0["iss"] = "" }),
        ("another audience", { $0["aud"] = "lock-strategy-lab/metrics" }),
        ("no audience", { $0["aud"] = nil }),
        ("a list of audiences", { $0["aud"] = ["lock-strategy-lab/api"] }),
    ]

    @Test(
        "S13 · another or no issuer or audience is 401, and so is a token of another environment",
        arguments: placeCases.indices)
    func places(index: Int) async throws {
        let (name, change) = Self.placeCases[index]
        let payload = try await claims(change)
        try await expectRefused(try signer.sign(header: AccessTokens.header, payload: payload), name)
        let staging = try AccessTokens(.init(secret: Secret("the secret of another environment, as long")))
        try await expectRefused(
            try staging.sign(header: AccessTokens.header, payload: try await token()[1]), "another secret")
    }

    @Test("S14 · a changed, divided, foreign or endless token is 401, never 500")
    func broken() async throws {
        let parts = try await token()
        for part in 0..<3 {
            let count = parts[part].utf8.count
            for place in [0, count / 2, count - 1] {
                var bytes = Array(parts[part].utf8)
                bytes[place] ^= 1
                var changed = parts
                changed[part] = String(decoding: bytes, as: UTF8.self)
                try await expectRefused(changed.joined(separator: "."), "part \(part), byte \(place)")
            }
        }
        let token = parts.joined(separator: ".")
        for wrong in [
            token + "x", token + ".x", token + ".", token + "=", String(token.dropLast(2)), "a.b", "....",
            "\(parts[0]).!!!!.\(parts[2])", "\(parts[0]).\(parts[1]).+/+/",
            String(repeating: "a", count: 12_000),
        ] { try await expectRefused(wrong, String(wrong.suffix(40))) }
        // A megabyte is refused as a header before anybody takes it for a token.
        let endless = try await RawClient.get(
            lab.client.port, "/api/auth/me",
            headers: "Host: x\r\nAuthorization: Bearer \(String(repeating: "a", count: 1 << 20))\r\n")
        #expect(endless.hasPrefix("HTTP/1.1 431 "), "\(endless.prefix(200))")
    }

    @Test("S16 · a token in the query, in a cookie or in the body is not accepted")
    func elsewhere() async throws {
        let token = try await token().joined(separator: ".")
        for name in ["access_token", "token", "authorization"] {
            #expect(try await lab.client.send(.get, "/api/auth/me?\(name)=\(token)").status == 401)
            let cookie = try await lab.client.send(
                .get, "/api/auth/me", headers: [.cookie: "\(name)=\(token)"])
            #expect(cookie.status == 401)
            let body = try await lab.client.send(.post, "/api/products", #"{"\#(name)":"\#(token)"}"#)
            #expect(body.status == 401)
        }
    }

    @Test("S16 · a token that stands where none belongs is in no line of the log")
    func notLogged() async throws {
        let lines = Recorder<String>()
        var logger = Logger(label: "test") { LineLogHandler(label: $0, format: .json) { lines.note($0) } }
        logger.logLevel = .trace
        try await withLab(logger: logger) { lab async throws in
            let client = try await lab.client.signedIn("holder")
            let token = try #require(client.token)
            for path in ["/api/auth/me?access_token=\(token)", "/nowhere/\(token)", "/api/products/\(token)"]
            {
                for sender in [lab.client, client] {
                    _ = try await sender.send(.get, path, headers: [.cookie: "token=\(token)"])
                }
            }
            _ = try await lab.client.send(.get, "/api/auth/me", headers: [.authorization: "Bearer \(token)x"])
            _ = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"\#(token)","password":"\#(token)"}"#)
            #expect(!lines.values.isEmpty)
            let signature = try #require(token.split(separator: ".").last)
            for line in lines.values { #expect(!line.contains(signature), "\(line)") }
        }
    }

    @Test("S18 · 401 asks for a token, and says when one was wrong; 403 is for those only who are signed in")
    func challenges() async throws {
        let user = try await lab.client.signedIn("holder")
        for route in RouteTable.all where route.access != .anyone {
            let place = route.path.replacing("{id}", with: "1")
            let none = try await lab.client.send(route.method, place)
            #expect(none.status == 401, "\(route.id)")
            #expect(none.headers[.wwwAuthenticate] == "Bearer")
            for header in ["Bearer a.b.c", "Bearer ", "Bearer", "Basic YTpi", "x", "Bearer a b"] {
                let bad = try await lab.client.send(route.method, place, headers: [.authorization: header])
                #expect(bad.status == 401, "\(route.id) \(header)")
                #expect(bad.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#)
            }
            guard route.access == .admin else { continue }
            let forbidden = try await user.send(route.method, place, "{}")
            #expect(forbidden.status == 403, "\(route.id)")
            #expect(forbidden.headers[.wwwAuthenticate] == nil)
        }
    }
}
