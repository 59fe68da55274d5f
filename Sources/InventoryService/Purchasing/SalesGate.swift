public import LockStrategies
import Synchronization

/// Who works on what, and whether the stock in Redis may be sold: shared by the purchases, the changes of
/// supply and the reconciler of one process.
///
/// A Redis server that was not seen before (restarted, promoted, another node) may have lost writes that it
/// had acknowledged. The gate closes by itself when one appears, and opens when the reconciler has made void
/// what was reserved before. A server that starts holds it closed until the first reconciliation has gone
/// through all products, so that nobody is told "sold out" of units that are about to come back. Never waits;
/// a lock of nanoseconds a call.
public final class SalesGate: Sendable {
    private struct State: Sendable {
        var trusted: Int?
        /// Names of the servers' runs that were trusted last.
        var trustedRuns: Set<String> = []
        var isHeld: Bool
        var working: Set<ReservationID> = []
        var adjusting: [ProductID: Int] = [:]
        /// Products whose stock may lack units of the ledger, with the number of the last doubt.
        var doubts: [ProductID: Int] = [:]
        var lastDoubt = 0
        var onTrouble: (@Sendable (ProductID?) -> Void)?
    }

    private let generation: @Sendable () -> Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - generation: Rises before the first command goes to a Redis server that was not seen before.
    ///   - trusted: The generation whose stock is known to be right; nil before the first reconciliation.
    ///   - isHeld: Closed until ``release()``, whatever is trusted.
    public init(generation: @escaping @Sendable () -> Int, trusted: Int? = nil, isHeld: Bool = false) {
        self.generation = generation
        state = Mutex(State(trusted: trusted, isHeld: isHeld))
    }

    /// A gate that is always open: for a Redis that nobody restarts.
    public static var open: SalesGate { SalesGate(generation: { 0 }, trusted: 0) }

    /// Whether what Redis says about stock can be believed.
    public var isOpen: Bool {
        let now = generation()
        return state.withLock { !$0.isHeld && $0.trusted == now }
    }

    /// Whether the server is still starting.
    public var isHeld: Bool { state.withLock(\.isHeld) }

    /// The first reconciliation is through; to be called again is nothing.
    public func release() { state.withLock { $0.isHeld = false } }

    /// The servers' generation now, and whether it is the trusted one.
    func standing() -> (generation: Int, trusted: Int?) {
        let now = generation()
        return (now, state.withLock(\.trusted))
    }

    /// Closes the gate until the next ``trust(_:)``.
    func distrust() { state.withLock { $0.trusted = nil } }

    func trust(_ generation: Int, _ runs: Set<String> = []) {
        state.withLock { state in
            state.trusted = generation
            state.trustedRuns = runs
        }
    }

    /// The runs that were trusted last, also after ``distrust()``.
    var trustedRuns: Set<String> { state.withLock(\.trustedRuns) }

    /// From here to ``leave(_:)`` no reconciler touches the reservation: that of this process because it asks
    /// here, those of other servers while this one lives.
    func enter(_ id: ReservationID) {
        state.withLock { _ = $0.working.insert(id) }
    }

    func leave(_ id: ReservationID) {
        state.withLock { _ = $0.working.remove(id) }
    }

    func leave(_ ids: some Sequence<ReservationID>) {
        state.withLock { state in
            for id in ids { state.working.remove(id) }
        }
    }

    /// From here to ``endAdjusting(_:)`` ledger and Redis may differ by units that are on their way.
    func beginAdjusting(_ product: ProductID) {
        state.withLock { $0.adjusting[product, default: 0] += 1 }
    }

    func endAdjusting(_ product: ProductID) {
        state.withLock { state in
            state.adjusting[product, default: 1] -= 1
            if state.adjusting[product] == 0 { state.adjusting[product] = nil }
        }
    }

    func isAdjusting(_ product: ProductID) -> Bool {
        state.withLock { $0.adjusting[product] != nil }
    }

    /// Units of this product are in the ledger, and nobody knows whether they reached the stock. Asks for a
    /// look at it.
    func doubt(_ product: ProductID) {
        state.withLock { state in
            state.lastDoubt += 1
            state.doubts[product] = state.lastDoubt
        }
        report(product)
    }

    /// The last doubt in the stock of this product; nil: it lacks nothing that is known of.
    func doubt(in product: ProductID) -> Int? { state.withLock { $0.doubts[product] } }

    /// The stock of this product was found whole, or was filled, after `doubt` and before any later one.
    func settle(_ product: ProductID, doubt: Int) {
        state.withLock { if $0.doubts[product] == doubt { $0.doubts[product] = nil } }
    }

    /// Whether a stock that is too short is the last word: otherwise units may be about to come back.
    func believesSoldOut(of product: ProductID) -> Bool { isOpen && doubt(in: product) == nil }

    func working(among ids: some Sequence<ReservationID>) -> Set<ReservationID> {
        state.withLock { $0.working.intersection(ids) }
    }

    /// Calls `action` whenever a purchase meets a stock that has to be looked at; nil: all of them.
    public func onTrouble(_ action: @escaping @Sendable (ProductID?) -> Void) {
        state.withLock { $0.onTrouble = action }
    }

    /// Asks for a look at all products.
    public func reportAll() { report(nil) }

    func report(_ product: ProductID?) {
        state.withLock(\.onTrouble)?(product)
    }
}
