/// How the buyers of a run reach the service.
package enum RunMode: String, Sendable, Codable, CaseIterable {
    /// A lab-server process of its own, over HTTP: what a client gets.
    case http
    /// The service in lab-bench's own process, by a call: what strategy, stock and ledger cost themselves.
    case direct
    /// The strategy in lab-bench's own process, without ledger and HTTP: a purchase is a reservation in Redis
    /// and its clearing, behind the answer. What tells strategies apart whose purchases are mostly SQLite.
    case strategy

    /// From what a client gets to the strategy alone.
    package static let inwards = [RunMode.http, .direct, .strategy]

    /// There is no lab-server: what is measured runs in lab-bench.
    package var isOwnProcess: Bool { self != .http }
}
