import HTTPTypes
import Hummingbird
import LockStrategies

/// The page at `/docs`: one answer that holds all it needs, and reads the OpenAPI document of its own server.
///
/// Its policy lets run what was in this answer and nothing else: script and style carry a number that is
/// drawn for each answer, texts never become markup (trusted types), and calls go to this server only.
struct DocsPage: Sendable {
    private static let placeholder = "{{nonce}}"

    /// The page, cut where the number comes.
    private let pieces: [String]

    init() {
        let page = Self.text(PackageResources.page_html)
            .replacing("{{css}}", with: Self.text(PackageResources.page_css))
            .replacing("{{script}}", with: Self.text(PackageResources.page_js))
        pieces = page.split(separator: Self.placeholder, omittingEmptySubsequences: false).map(String.init)
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    func html(nonce: String) -> String { pieces.joined(separator: nonce) }

    /// A new number and with it the page.
    func response(random: RandomSource = .system) -> Response {
        let nonce = (0..<2).map { _ in String(random.next(), radix: 16) }.joined()
        let policy = [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'nonce-\(nonce)'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
        ]
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff", .contentSecurityPolicy: policy.joined(separator: "; "),
            .referrerPolicy: "no-referrer",
        ]
        let body = ByteBuffer(string: html(nonce: nonce))
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
