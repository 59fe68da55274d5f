/// Whether a history could have come from one stock that serves one buyer after the other, each at a moment
/// between his call and his answer.
///
/// The search of Wing and Gong (1993) with Lowe's memory of states (2017): it goes through the calls in the
/// order of time, gives each that can have taken effect its place, and goes back where it gets stuck. A call
/// without an answer may take effect at any moment after it, or never; it is tried only where nothing else
/// helps. The search is exponential at worst, so it has a bound, past which nothing is claimed.
package struct Linearizability: Sendable {
    package enum Result: Sendable, Equatable {
        case linearizable
        /// Up to its answer no order explains the operations that were answered before it.
        case violated(stuckAt: Int)
        /// The bound was reached.
        case undecided
    }

    /// Places that are tried before nothing is claimed.
    package static let mostSteps = 2_000_000

    /// - Parameter mostSteps: Places that are tried.
    package static func check(_ history: History, mostSteps: Int = mostSteps) -> Result {
        if let known = byCounting(history) { return known }
        var search = Search(history, mostSteps: mostSteps)
        return search.run()
    }

    /// What the sums say, in whatever order the calls are; nil: a search must decide.
    private static func byCounting(_ history: History) -> Result? {
        guard let stock = history.end.stock, stock >= 0 else { return nil }
        func units(_ outcome: History.Operation.Outcome) -> Int {
            history.operations.reduce(0) { $0 + ($1.outcome == outcome ? $1.units : 0) }
        }
        let (sold, doubtful) = (units(.ok), units(.unknown))
        let left = history.initialStock - stock
        // Too many or too few units have left the stock. Open ones are not sold, whoever took them.
        if left < sold || left - history.end.open > sold + doubtful { return .violated(stuckAt: -1) }
        // Nobody was refused, and the stock only falls: each order that keeps time explains every answer. Of
        // calls without an answer as many took effect as are missing, which single units always allow.
        let isFree = history.operations.allSatisfy { operation in
            switch operation.outcome {
            case .refused: false
            case .unknown: operation.units == 1 && operation.invoked <= history.end.read
            case .ok: operation.invoked <= history.end.read
            case .nothing: true
            }
        }
        return isFree ? .linearizable : nil
    }
}

private struct Search {
    /// A call or an answer in the order of time, linked with what is left.
    private struct Event {
        /// Of `calls`.
        let call: Int
        let isAnswer: Bool
        var before: Int
        var after: Int
    }

    private struct Call {
        enum Effect {
            case take(Int)
            case refuse(Int)
            /// The stock was read when all was quiet.
            case read(Int)
        }

        let id: Int
        let effect: Effect
        /// It may have had no effect at all.
        let isUnknown: Bool
        var begin = 0
        /// Of the answer; nil: there is none.
        var end: Int?
    }

    /// What has its place already, and the stock after it.
    private struct State: Hashable {
        var placed: [UInt64]
        var stock: Int
    }

    /// Words of 8 bytes that the memory of states may take.
    private static let mostMemory = 64_000_000

    private var calls: [Call] = []
    private var events: [Event] = []
    private var stock: Int
    private let mostSteps: Int
    private var placed: [UInt64] = []
    /// Calls that must have a place.
    private var left = 0
    /// The answer at which the search got stuck last, the latest of all ways.
    private var latest = -1

    init(_ history: History, mostSteps: Int) {
        self.mostSteps = mostSteps
        stock = history.initialStock
        var moments: [(at: Int64, isAnswer: Bool, call: Int)] = []
        func add(_ call: Call, from: Int64, until: Int64?) {
            moments.append((from, false, calls.count))
            if let until { moments.append((until, true, calls.count)) }
            calls.append(call)
        }
        for operation in history.operations {
            switch operation.outcome {
            case .ok:
                add(
                    Call(id: operation.id, effect: .take(operation.units), isUnknown: false),
                    from: operation.invoked, until: operation.answered)
            case .refused:
                add(
                    Call(id: operation.id, effect: .refuse(operation.units), isUnknown: false),
                    from: operation.invoked, until: operation.answered)
            case .unknown:
                // What it does may come after its answer, too: a command in a queue, say.
                add(
                    Call(id: operation.id, effect: .take(operation.units), isUnknown: true),
                    from: operation.invoked, until: nil)
            case .nothing: break
            }
        }
        if let stock = history.end.stock, history.end.open == 0 {
            // With open units nobody can say how many calls took effect, so the end is no reading then.
            add(
                Call(id: -1, effect: .read(stock), isUnknown: false), from: history.end.read,
                until: history.end.read)
        }
        left = calls.count { !$0.isUnknown }
        placed = [UInt64](repeating: 0, count: (calls.count + 63) / 64)
        // At one moment calls come first: what touches may have overlapped.
        moments.sort { ($0.at, $0.isAnswer ? 1 : 0, $0.call) < ($1.at, $1.isAnswer ? 1 : 0, $1.call) }
        // A ring with a head at its beginning.
        events = [Event(call: -1, isAnswer: false, before: moments.count, after: moments.isEmpty ? 0 : 1)]
        for (index, moment) in moments.enumerated() {
            events.append(
                Event(
                    call: moment.call, isAnswer: moment.isAnswer, before: index,
                    after: index + 1 == moments.count ? 0 : index + 2))
            if moment.isAnswer {
                calls[moment.call].end = index + 1
            } else {
                calls[moment.call].begin = index + 1
            }
        }
    }

    /// The stock after the call took effect now; nil: it cannot have done so.
    private func effect(of call: Call) -> Int? {
        switch call.effect {
        case .take(let units): stock >= units ? stock - units : nil
        case .refuse(let units): stock < units ? stock : nil
        case .read(let units): stock == units ? stock : nil
        }
    }

    private mutating func unlink(_ event: Int) {
        let (before, after) = (events[event].before, events[event].after)
        events[before].after = after
        events[after].before = before
    }

    private mutating func relink(_ event: Int) {
        events[events[event].before].after = event
        events[events[event].after].before = event
    }

    private mutating func lift(_ call: Int) {
        unlink(calls[call].begin)
        if let end = calls[call].end { unlink(end) }
        placed[call / 64] |= 1 << UInt64(call % 64)
        if !calls[call].isUnknown { left -= 1 }
    }

    private mutating func putBack(_ call: Int) {
        if let end = calls[call].end { relink(end) }
        relink(calls[call].begin)
        placed[call / 64] &= ~(1 << UInt64(call % 64))
        if !calls[call].isUnknown { left += 1 }
    }

    mutating func run() -> Linearizability.Result {
        var trail: [(call: Int, stock: Int, wasUnknown: Bool)] = []
        var seen: Set<State> = []
        var steps = 0
        /// Known calls are tried first, then unknown ones, both up to the first answer that is left.
        var triesUnknown = false
        var event = events[0].after
        while left > 0 {
            if event == 0 || events[event].isAnswer {
                if !triesUnknown {
                    triesUnknown = true
                    event = events[0].after
                    continue
                }
                if event != 0 { latest = max(latest, event) }
                guard let last = trail.popLast() else {
                    let stuck = latest > 0 ? calls[events[latest].call].id : -1
                    return .violated(stuckAt: stuck)
                }
                putBack(last.call)
                stock = last.stock
                triesUnknown = last.wasUnknown
                event = events[calls[last.call].begin].after
                continue
            }
            let call = events[event].call
            if calls[call].isUnknown == triesUnknown, let after = effect(of: calls[call]) {
                steps += 1
                guard steps <= mostSteps, seen.count * placed.count <= Self.mostMemory else {
                    return .undecided
                }
                let before = stock
                lift(call)
                if seen.insert(State(placed: placed, stock: after)).inserted {
                    trail.append((call, before, triesUnknown))
                    stock = after
                    triesUnknown = false
                    event = events[0].after
                    continue
                }
                putBack(call)
            }
            event = events[event].after
        }
        return .linearizable
    }
}
