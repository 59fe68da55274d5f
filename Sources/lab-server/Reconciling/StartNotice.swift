import Synchronization

/// Says once that the server sells: when it listens, and the first comparison of stock and ledger has ended, well or
/// badly. Whoever waits for the word buys at once.
final class StartNotice: Sendable {
    private struct State: Sendable {
        var address: String?
        var isCompared = false
        var isSaid = false

        mutating func next() -> String? {
            guard let address, isCompared, !isSaid else { return nil }
            isSaid = true
            return address
        }
    }

    private let state = Mutex(State())
    private let say: @Sendable (String) -> Void

    init(_ say: @escaping @Sendable (String) -> Void) {
        self.say = say
    }

    func listens(at address: String) { change { $0.address = address } }

    func hasCompared() { change { $0.isCompared = true } }

    private func change(_ body: (inout State) -> Void) {
        let address = state.withLock { state in
            body(&state)
            return state.next()
        }
        if let address { say(address) }
    }
}
