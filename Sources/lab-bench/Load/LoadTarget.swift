import NIOCore
import NIOHTTP1

/// The server under load: an address of this machine.
struct LoadTarget: Sendable, Equatable {
    let host: String
    let port: Int

    /// Reads `http://HOST:PORT`.
    init?(parsing url: some StringProtocol) {
        guard url.hasPrefix("http://") else { return nil }
        let parts = url.dropFirst("http://".count).prefix { $0 != "/" }.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]), (1...65_535).contains(port) else { return nil }
        host = String(parts[0])
        self.port = port
    }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// One user's purchase request, built once and sent again and again.
    func purchase(of product: Int64, token: String) -> PreparedRequest {
        let body = ByteBuffer(string: #"{"product_id":\#(product),"quantity":1}"#)
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/api/purchases",
            headers: [
                "Host": "\(host):\(port)",
                "Authorization": "Bearer \(token)",
                "Content-Type": "application/json",
                "Content-Length": String(body.readableBytes),
            ])
        return PreparedRequest(head: head, body: body)
    }
}

struct PreparedRequest: Sendable {
    let head: HTTPRequestHead
    let body: ByteBuffer
}

/// What a running load has done so far.
struct LoadProgress: Sendable, Equatable {
    /// Of warm-up and window, 0 to 1.
    var share: Double
    /// Answers in the last step.
    var successesPerSecond: Double
    var p99Microseconds: Double?
    var errors: Int
}
