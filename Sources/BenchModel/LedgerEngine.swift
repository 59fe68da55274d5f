/// What the ledger of a trial stands on.
package enum LedgerEngine: String, Sendable, Codable, CaseIterable {
    /// A file, which one server has.
    case sqlite
    /// A server that several lab-servers share.
    case postgres
}
