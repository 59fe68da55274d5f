import Testing

@testable import FaultAudit

/// The search against a second implementation that tries every order.
@Suite("The linearizability of a stock")
struct LinearizabilityTests {
    /// Tries every order of every choice of unknown operations that keeps to real time.
    private static func isLinearizable(_ history: History) -> Bool {
        struct Step {
            let from: Int64
            let until: Int64
            let isNeeded: Bool
            let apply: (Int) -> Int?
        }
        var steps = history.operations.compactMap { operation -> Step? in
            let units = operation.units
            switch operation.outcome {
            case .ok:
                return Step(from: operation.invoked, until: operation.answered ?? .max, isNeeded: true) {
                    $0 >= units ? $0 - units : nil
                }
            case .refused:
                return Step(from: operation.invoked, until: operation.answered ?? .max, isNeeded: true) {
                    $0 < units ? $0 : nil
                }
            case .unknown:
                return Step(from: operation.invoked, until: .max, isNeeded: false) {
                    $0 >= units ? $0 - units : nil
                }
            case .nothing: return nil
            }
        }
        if let stock = history.end.stock {
            steps.append(
                Step(from: history.end.read, until: history.end.read, isNeeded: true) {
                    $0 == stock ? $0 : nil
                })
        }
        func go(_ rest: [Int], _ stock: Int) -> Bool {
            if !rest.contains(where: { steps[$0].isNeeded }) { return true }
            return rest.contains { next in
                // Nobody who was answered before it was called may come after it.
                let isFirst = rest.allSatisfy { $0 == next || steps[$0].until >= steps[next].from }
                guard isFirst, let after = steps[next].apply(stock) else { return false }
                return go(rest.filter { $0 != next }, after)
            }
        }
        return go(Array(steps.indices), history.initialStock)
    }

    private static func random(_ generator: inout some RandomNumberGenerator) -> History {
        let count = Int.random(in: 1...6, using: &generator)
        let operations = (0..<count).map { id -> History.Operation in
            let invoked = Int64.random(in: 0..<30, using: &generator)
            let answered = invoked + Int64.random(in: 0..<15, using: &generator)
            let outcome = History.Operation.Outcome.allCases.randomElement(using: &generator) ?? .ok
            return History.Operation(
                id: id, buyer: id, units: Int.random(in: 1...2, using: &generator), invoked: invoked,
                answered: outcome == .unknown && Bool.random(using: &generator) ? nil : answered,
                outcome: outcome)
        }
        let stock = Int.random(in: 0...4, using: &generator)
        let end = Int.random(in: 0...6, using: &generator)
        return History(
            initialStock: stock, operations: operations,
            end: .init(read: 100, stock: end == 6 ? nil : max(stock - end, 0)))
    }

    @Test("is decided as a search through every order decides it, on 10,000 random histories")
    func agreement() {
        var generator = Chance(state: 20_261_129)
        var counts = [true: 0, false: 0]
        for _ in 0..<10_000 {
            let history = Self.random(&generator)
            let expected = Self.isLinearizable(history)
            counts[expected, default: 0] += 1
            let result = Linearizability.check(history)
            #expect((result == .linearizable) == expected, "\(history)")
            #expect(result != .undecided)
        }
        // Both kinds are there.
        #expect((counts[true] ?? 0) > 1_000)
        #expect((counts[false] ?? 0) > 1_000)
    }

    @Test("is broken by one changed answer of a history that was whole")
    func changed() {
        let operations = (0..<200).map { id in
            History.Operation(
                id: id, buyer: id % 20, invoked: Int64(id * 5), answered: Int64(id * 5 + 100),
                outcome: id < 150 ? .ok : .refused)
        }
        var history = History(initialStock: 150, operations: operations, end: .init(read: 5_000, stock: 0))
        #expect(Linearizability.check(history) == .linearizable)
        history.operations[20].outcome = .refused
        #expect(Linearizability.check(history) != .linearizable)
        history.operations[20].outcome = .ok
        history.end.stock = 1
        #expect(Linearizability.check(history) != .linearizable)
    }
}

/// SplitMix64.
private struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
