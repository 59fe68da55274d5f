import LockStrategies

/// Makes every decision of a simulated world: which event is next, how long a message takes, when something
/// breaks. The decisions come from a seed, or from a list that was written down before.
///
/// 0 always is the simplest decision: go on with the same task, the shortest delay, nothing breaks. So a list
/// with more zeros is a simpler story.
package struct Chooser: Sendable {
    /// The decisions so far. The same list makes the same story.
    package private(set) var decisions: [UInt32] = []
    /// How many ways each of them had.
    package private(set) var widths: [UInt32] = []
    private let given: [UInt32]
    /// Decides when the list is over; nil: always 0.
    private let random: RandomSource?

    package init(seed: UInt64) {
        given = []
        random = .seeded(seed)
    }

    /// - Parameter decisions: Those that are given; all that follow are 0.
    package init(following decisions: [UInt32]) {
        given = decisions
        random = nil
    }

    /// One of `0..<count`. With one way only there is no decision.
    package mutating func choose(among count: Int) -> Int {
        guard count > 1 else { return 0 }
        let place = decisions.count
        let decision: UInt32 =
            if place < given.count {
                min(given[place], UInt32(count) - 1)
            } else if let random {
                UInt32(random.next() % UInt64(count))
            } else {
                0
            }
        decisions.append(decision)
        widths.append(UInt32(count))
        return Int(decision)
    }

    /// True in one of `count` cases.
    package mutating func oneIn(_ count: Int) -> Bool { choose(among: count) == count - 1 }

    /// The decisions of the next story when all are gone through, depth first; nil: this was the last.
    package var next: [UInt32]? {
        var next = decisions
        while let last = next.last {
            if last + 1 < widths[next.count - 1] {
                next[next.count - 1] = last + 1
                return next
            }
            next.removeLast()
        }
        return nil
    }
}
