package import FaultAudit

/// What a worker says of one call, a line at each step: so what a worker had begun is known when it was
/// killed. Moments are nanoseconds of the machine's monotonic clock, which all processes share.
package enum WorkerLine: Sendable, Equatable {
    case began(id: Int, buyer: Int, at: Int64)
    /// The lock was granted; who asks must not rely on it after `end`.
    case granted(id: Int, asked: Int64, at: Int64, end: Int64, fence: Int64?)
    /// The lock is given back.
    case left(id: Int, at: Int64)
    /// - remaining: The stock that its own step left behind; nil: not known.
    case ended(id: Int, at: Int64, outcome: History.Operation.Outcome, remaining: Int?)

    package var text: String {
        switch self {
        case .began(let id, let buyer, let at): "B \(id) \(buyer) \(at)"
        case .granted(let id, let asked, let at, let end, let fence):
            "G \(id) \(asked) \(at) \(end) \(fence.map(String.init) ?? "-")"
        case .left(let id, let at): "L \(id) \(at)"
        case .ended(let id, let at, let outcome, let remaining):
            "E \(id) \(at) \(outcome.rawValue) \(remaining.map(String.init) ?? "-")"
        }
    }

    /// Nil for a line that was cut off, and for any other text.
    package init?(_ text: some StringProtocol) {
        let words = String(text).split(separator: " ").map(String.init)
        guard words.count >= 3, let id = Int(words[1]) else { return nil }
        switch (words[0], words.count) {
        case ("B", 4):
            guard let buyer = Int(words[2]), let at = Int64(words[3]) else { return nil }
            self = .began(id: id, buyer: buyer, at: at)
        case ("G", 6):
            guard let asked = Int64(words[2]), let at = Int64(words[3]), let end = Int64(words[4]),
                words[5] == "-" || Int64(words[5]) != nil
            else { return nil }
            self = .granted(id: id, asked: asked, at: at, end: end, fence: Int64(words[5]))
        case ("L", 3):
            guard let at = Int64(words[2]) else { return nil }
            self = .left(id: id, at: at)
        case ("E", 5):
            guard let at = Int64(words[2]), let outcome = History.Operation.Outcome(rawValue: words[3]),
                words[4] == "-" || Int(words[4]) != nil
            else { return nil }
            self = .ended(id: id, at: at, outcome: outcome, remaining: Int(words[4]))
        default: return nil
        }
    }
}

extension History.Operation {
    /// The calls of one worker, from what it wrote until it ended or was killed.
    ///
    /// - Parameters:
    ///   - process: Its number.
    ///   - first: The id of its first call in the history.
    package static func all(_ lines: some Sequence<WorkerLine>, process: Int, first: Int) -> [History
        .Operation]
    {
        var operations: [History.Operation] = []
        var places: [Int: Int] = [:]
        var ends: [Int: Int64] = [:]
        for line in lines {
            switch line {
            case .began(let id, let buyer, let at):
                places[id] = operations.count
                operations.append(
                    History.Operation(
                        id: first + operations.count, buyer: buyer, process: process, invoked: at,
                        answered: nil,
                        outcome: .unknown))
            case .granted(let id, let asked, let at, let end, let fence):
                guard let place = places[id] else { continue }
                ends[id] = end
                // Whoever is stopped may not rely on it after its end.
                operations[place].hold = History.Hold(from: at, until: end, fence: fence, asked: asked)
            case .left(let id, let at):
                guard let place = places[id] else { continue }
                operations[place].hold?.until = min(at, ends[id] ?? at)
                operations[place].hold?.left = at
            case .ended(let id, let at, let outcome, let remaining):
                guard let place = places[id] else { continue }
                operations[place].answered = at
                operations[place].outcome = outcome
                operations[place].remaining = remaining
            }
        }
        return operations
    }
}
