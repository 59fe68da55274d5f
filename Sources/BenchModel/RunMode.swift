/// How the buyers of a run reach the service.
package enum RunMode: String, Sendable, Codable, CaseIterable {
    /// A lab-server process of its own, over HTTP: what a client gets.
    case http
    /// The service in lab-bench's own process, by a call: what strategy, stock and ledger cost themselves.
    case direct
}
