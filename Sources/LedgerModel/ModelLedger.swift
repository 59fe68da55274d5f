package import InventoryService
import Synchronization

/// A ledger of one process over a ``LedgerModel``; whoever makes it decides how its calls go.
///
/// Each call passes a hook, does all that it does at one moment, and passes a second hook:
///
/// - A hook that waits delays the call. Calls take effect in the order in which their first hooks return.
/// - An error of the first hook is the answer to the call, and nothing was done. `.ledgerUnavailable` is a
///   ledger that refuses; `.recordUnknown` is a commit that failed and left nothing.
/// - An error of the second hook is the answer to the call, and what the call did stays. `.recordUnknown` is
///   a commit that failed and is found after a restart. SQLite's readers find it after the restart only;
///   here the next call finds it, unless a hook refuses that call. When the model itself refused the call,
///   its error is the answer, whatever the hook throws.
/// - A hook that never returns is the death of the process in this call: before or after it took effect.
///
/// A process that starts after that opens the ``snapshot`` of the dead one: all that took effect is in it.
/// The ledger does not look for cancellation. A hook may, and throws `.cancelled` for reads only: writes are
/// finished.
package final class ModelLedger: Ledger {
    package typealias Hook = @Sendable (LedgerCall) async throws(InventoryError) -> Void

    struct State {
        var model: LedgerModel
        var callsUnderWay = 0
        var isClosed = false
        var onIdle: [CheckedContinuation<Void, Never>] = []
    }

    package let origin: String
    package let company: (any ServerCompany)? = nil
    private let before: Hook
    private let after: Hook
    let state: Mutex<State>

    /// - Parameter before: Called before each call takes effect, or reads.
    /// - Parameter after: Called behind that, before the caller has the answer.
    package init(
        _ model: LedgerModel, before: @escaping Hook = { _ throws(InventoryError) in },
        after: @escaping Hook = { _ throws(InventoryError) in }
    ) {
        origin = model.origin
        self.before = before
        self.after = after
        state = Mutex(State(model: model))
    }

    /// What is on the disk now, answered or not.
    package var snapshot: LedgerModel { state.withLock(\.model) }

    package func check() async throws(InventoryError) {
        try await perform(.check) { _ in }
    }

    /// Refuses new calls with `.ledgerUnavailable` and returns when those under way have been answered:
    /// never, while a hook does not return.
    package func close() async {
        await withCheckedContinuation { idle in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.callsUnderWay > 0 { state.onIdle.append(idle) }
                return state.callsUnderWay == 0
            }
            if isIdle { idle.resume() }
        }
    }

    /// - Parameter body: The call's effect; it changes nothing when it throws.
    func perform<Value: Sendable>(
        _ call: LedgerCall, _ body: (inout LedgerModel) throws(InventoryError) -> Value
    ) async throws(InventoryError) -> Value {
        try begin()
        defer { end() }
        try await before(call)
        let result = state.withLock { state in
            Result { () throws(InventoryError) in try body(&state.model) }
        }
        do throws(InventoryError) {
            try await after(call)
        } catch {
            guard case .failure = result else { throw error }
        }
        return try result.get()
    }

    private func begin() throws(InventoryError) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.callsUnderWay += 1 }
            return state.isClosed
        }
        if isClosed { throw InventoryError(.ledgerUnavailable, "the ledger is closed") }
    }

    private func end() {
        let idle: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.callsUnderWay -= 1
            guard state.callsUnderWay == 0 else { return [] }
            defer { state.onIdle = [] }
            return state.onIdle
        }
        for continuation in idle { continuation.resume() }
    }
}
