import FaultAudit
import InventoryService
import Simulation
import Synchronization

/// What the clients of the service did and were told.
final class ServiceNotes: Sendable {
    private struct State {
        var operations: [History.Operation] = []
        var keys: [String: Int] = [:]
        var finals: [String: ServiceAnswer] = [:]
        var faults: [ScheduleFault] = []
        var hasEnded = false
        var sleepersAtEnd = 0
    }

    private let world: World
    private let state = Mutex(State())

    init(_ world: World) { self.world = world }

    var operations: [History.Operation] { state.withLock(\.operations) }
    /// Idempotency key to operation.
    var keys: [String: Int] { state.withLock(\.keys) }
    var faults: [ScheduleFault] { state.withLock(\.faults) }
    /// Everybody is served, and the server is closed.
    var hasEnded: Bool { state.withLock(\.hasEnded) }
    /// Tasks of the server that slept after it was closed.
    var sleepersAtEnd: Int { state.withLock(\.sleepersAtEnd) }

    /// - Returns: The place of the order in the history.
    func begin(_ key: String, buyer: Int, units: Int) -> Int {
        let now = world.now
        return state.withLock { state in
            let id = state.operations.count
            state.operations.append(
                History.Operation(
                    id: id, buyer: buyer, units: units, invoked: now, answered: nil, outcome: .unknown))
            state.keys[key] = id
            return id
        }
    }

    func end(_ id: Int, _ outcome: History.Operation.Outcome) {
        let now = world.now
        state.withLock { state in
            state.operations[id].outcome = outcome
            state.operations[id].answered = now
        }
    }

    /// One key, one answer: a final one stays.
    func told(_ answer: ServiceAnswer, under key: String) {
        guard answer.isFinal else { return }
        let earlier = state.withLock { state in
            defer { if state.finals[key] == nil { state.finals[key] = answer } }
            return state.finals[key]
        }
        guard let earlier, earlier != answer else { return }
        found(.twoAnswers, "under one key a client was told \"\(earlier.words)\", then \"\(answer.words)\"")
    }

    func found(_ kind: ScheduleFault.Kind, _ sentence: String) {
        state.withLock { $0.faults.append(ScheduleFault(kind: kind, sentence: sentence)) }
    }

    func end(sleepers: Int) {
        state.withLock { state in
            state.hasEnded = true
            state.sleepersAtEnd = sleepers
        }
    }
}
