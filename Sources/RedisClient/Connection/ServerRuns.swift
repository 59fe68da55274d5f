import Synchronization

/// The servers behind a client, told apart by what changes when one may have lost acknowledged writes: a run
/// ends with the process, and a replication history with a promotion.
///
/// A connection is noted before it carries its first command, so whoever reads ``generation`` after a reply
/// knows whether the reply can come from a server that was new.
package final class ServerRuns: Sendable {
    private struct State {
        var runs: [String: String] = [:]
        var generation = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Rises with each server that was not there before.
    package var generation: Int { state.withLock(\.generation) }

    /// Names of the runs that are there now.
    package var names: Set<String> { state.withLock { Set($0.runs.values) } }

    /// - Parameters:
    ///   - run: Nil for a server that does not tell: each of its connections counts as another server.
    ///   - place: Which of several servers at the same time it is.
    package func note(_ run: String?, at place: String) {
        state.withLock { state in
            if let run, state.runs[place] == run { return }
            state.runs[place] = run
            state.generation += 1
        }
    }

    /// What `INFO server` and `INFO replication` say.
    static func name(server: RESPValue, replication: RESPValue) -> String? {
        func field(_ name: String, of reply: RESPValue) -> Substring? {
            reply.string?.split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix(name + ":") }?.dropFirst(name.count + 1)
        }
        guard let run = field("run_id", of: server), let history = field("master_replid", of: replication)
        else { return nil }
        return "\(run):\(history)"
    }
}
