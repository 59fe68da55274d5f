/// How the buyers of a run reach the service.
enum RunMode: String, Sendable, Codable, CaseIterable {
    /// A lab-server process of its own, over HTTP: what a client gets.
    case http
    /// The service in lab-bench's own process, by a call: what strategy, stock and ledger cost themselves.
    case direct
}

extension RunPlan {
    /// Between date and host in the name of the results' directory.
    var folderWord: String {
        scenario.rawValue + (mode == .direct ? "-direct" : "") + (sweep.map { "-sweep-\($0.rawValue)" } ?? "")
            + (target == nil ? "" : "-target")
    }
}
