import Synchronization

/// Keys that were written, each by one command only, and what came back.
final class WriteLog: Sendable {
    private struct State {
        var number = 0
        var goesOn = true
        var replies: [String: Int64?] = [:]
        var lastKey: String?
    }

    private let state = Mutex(State())
    private let tag: String

    /// - Parameter tag: Start of each key.
    init(tag: String = "write:") {
        self.tag = tag
    }

    var goesOn: Bool { state.withLock(\.goesOn) }
    var acknowledged: Int { state.withLock(\.replies.count) }
    var replies: [Int64?] { state.withLock { Array($0.replies.values) } }
    var acknowledgedKeys: [String] { state.withLock { Array($0.replies.keys) } }
    var lastKey: String? { state.withLock(\.lastKey) }
    /// Every key that was tried.
    var keys: [String] { (1...max(state.withLock(\.number), 1)).map { "\(tag)\($0)" } }

    func next() -> String {
        state.withLock { state in
            state.number += 1
            return "\(tag)\(state.number)"
        }
    }

    func note(_ key: String, _ reply: Int64?) {
        state.withLock { state in
            state.replies[key] = .some(reply)
            state.lastKey = key
        }
    }

    func stop() {
        state.withLock { $0.goesOn = false }
    }
}
