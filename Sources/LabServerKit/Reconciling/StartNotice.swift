import Synchronization

/// Where a server is reached once it sells.
struct ServingAddresses: Sendable, Equatable {
    var api: String
    /// The page for Prometheus; nil where the plan asks for none.
    var metrics: String?
}

/// Says once that the server sells: when all of it listens, and the first comparison of stock and ledger has
/// ended, well or badly. Whoever waits for the word buys at once.
final class StartNotice: Sendable {
    private struct State: Sendable {
        var api: String?
        var metrics: String?
        var isCompared = false
        var takesOrders = false
        var isSaid = false

        mutating func next(withMetrics: Bool) -> ServingAddresses? {
            guard let api, isCompared, takesOrders, !isSaid, !withMetrics || metrics != nil else {
                return nil
            }
            isSaid = true
            return ServingAddresses(api: api, metrics: metrics)
        }
    }

    private let state = Mutex(State())
    private let withMetrics: Bool
    private let say: @Sendable (ServingAddresses) -> Void

    /// - Parameter withMetrics: True where the page for Prometheus has an address of its own, which is waited
    ///   for.
    init(withMetrics: Bool, _ say: @escaping @Sendable (ServingAddresses) -> Void) {
        self.withMetrics = withMetrics
        self.say = say
    }

    func listens(at address: String) { change { $0.api = address } }

    func showsMetrics(at address: String) { change { $0.metrics = address } }

    /// `admin create` reaches the server, or it is known that it will not.
    func hasSettledOrders() { change { $0.takesOrders = true } }

    func hasCompared() { change { $0.isCompared = true } }

    private func change(_ body: (inout State) -> Void) {
        let addresses = state.withLock { state in
            body(&state)
            return state.next(withMetrics: withMetrics)
        }
        if let addresses { say(addresses) }
    }
}
