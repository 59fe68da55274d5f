package import BenchModel
import Foundation
package import NIOCore
package import NIOHTTP1

/// The server under load.
package struct LoadTarget: Sendable, Equatable {
    package let host: String
    package let port: Int
    /// Nil: plain HTTP.
    package var tls: TargetTLS?

    /// Reads what a user types and what a server says: `http://HOST[:PORT][/]`, or https.
    ///
    /// The result has no settings for TLS: they come from elsewhere.
    package init?(naming text: String) {
        let ports = ["http": 80, "https": 443]
        guard let parts = URLComponents(string: text), let standard = ports[parts.scheme?.lowercased() ?? ""],
            let host = parts.host, !host.isEmpty, ["", "/"].contains(parts.path), parts.query == nil,
            parts.fragment == nil, parts.user == nil, (1...65_535).contains(parts.port ?? standard)
        else { return nil }
        // An IPv6 address stands in brackets in a URL only.
        self.init(host: host.filter { $0 != "[" && $0 != "]" }, port: parts.port ?? standard)
    }

    package init(host: String, port: Int, tls: TargetTLS? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
    }

    /// As a user types it.
    package var url: String { "\(tls == nil ? "http" : "https")://\(authority)" }

    /// - Parameters:
    ///   - token: Nil: nobody is logged in.
    ///   - length: Of a JSON body; nil: there is none.
    package func head(_ method: HTTPMethod, _ path: String, token: String?, length: Int?) -> HTTPRequestHead {
        var headers: HTTPHeaders = ["Host": authority]
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let length {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(length))
        }
        return HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
    }

    /// A request without a body.
    package func get(_ path: String, token: String? = nil) -> PreparedRequest {
        PreparedRequest(head: head(.GET, path, token: token, length: nil), body: ByteBuffer())
    }

    /// As many users as there are tokens, each of whom buys again and again.
    package func buyers(
        of products: [Int64], tokens: [String], mix: ProductMix = .one, seed: UInt64 = 1
    ) -> [any LoadUser] {
        Self.buyers(at: [self], of: products, tokens: tokens, mix: mix, seed: seed)
    }

    /// As ``buyers(of:tokens:mix:seed:)``; user i buys at the target at place i, counted round.
    package static func buyers(
        at targets: [LoadTarget], of products: [Int64], tokens: [String], mix: ProductMix = .one,
        seed: UInt64 = 1
    ) -> [any LoadUser] {
        let bodies = PurchaseOrders.bodies(of: products)
        return tokens.enumerated().map { user, token in
            Buyer(
                PurchaseOrders(targets[user % targets.count], bodies: bodies, token: token),
                ProductMix.Wishes(mix, seed: seed, user: user))
        }
    }

    /// As in a Host header.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

package struct PreparedRequest: Sendable {
    package let head: HTTPRequestHead
    package let body: ByteBuffer
}

/// What a running load has done so far.
package struct LoadProgress: Sendable, Equatable {
    /// Share of warm-up and window that is over, 0 to 1.
    package var share: Double
    /// Answers in the last step.
    package var successesPerSecond: Double
    package var p99Microseconds: Double?
    package var errors: Int
    /// Successes per second in the last steps, oldest first.
    package var recentRates: [Double]

    package init(
        share: Double, successesPerSecond: Double, p99Microseconds: Double? = nil, errors: Int,
        recentRates: [Double] = []
    ) {
        self.share = share
        self.successesPerSecond = successesPerSecond
        self.p99Microseconds = p99Microseconds
        self.errors = errors
        self.recentRates = recentRates
    }
}
